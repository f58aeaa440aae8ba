"""Published tables of one unit, as they were published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.cells.errors import FiguresIncomplete
from cockpit.directory.models import Unit
from cockpit.published import rules
from cockpit.published.errors import PublishedTableNotFound
from cockpit.published.models import Entry, Found, PublishedBatch, PublishedLine, PublishedTable
from cockpit.published.repository import LineFilter, PublishedRepository, TableFilter
from cockpit.standards.rules import Calendar, Comparison, compare
from cockpit.standards.service import Standards
from servicekit.lists import Listed
from servicekit.paging import PageRequest


@dataclass(frozen=True)
class YearTable:
    """The lines of one table that are neither by programme nor by region, for an overview."""

    source: str
    scope: str
    batch_id: UUID
    committed_at: datetime
    lines: list[PublishedLine]


@dataclass(frozen=True)
class WholeTable:
    """A table with all of its lines and what must hold between them.

    `newest` is the table that is in force for the same source, scope and year: this one or a later one.
    """

    table: PublishedTable
    batch: PublishedBatch
    unit: Unit
    lines: Sequence[PublishedLine]
    balances: list[rules.Balance]
    newest: UUID
    per_head: list[tuple[PublishedLine, Comparison]]


@dataclass(frozen=True)
class YearTotals:
    """The totals that were published for one year, each in its scope."""

    year: int
    totals: list[tuple[PublishedTable, PublishedBatch, PublishedLine]]
    disagree: bool


class Published:
    """Read published tables. A table counts for the unit that sent it, wherever it moves."""

    def __init__(self, session: AsyncSession, access: Access, standards: Standards) -> None:
        self._access = access
        self._standards = standards
        self._tables = PublishedRepository(session)

    async def of_year(self, unit: Unit, year: int) -> list[YearTable]:
        """Return the unit's tables of a year. Raises `FiguresIncomplete`."""
        await self._check(unit.id)
        rows = await self._tables.lines_of_year(unit.id, year)
        return [
            YearTable(
                table.source, table.scope, table.batch_id, batch.committed_at, [row[1] for row in group]
            )
            for (table, batch), group in groupby(rows, lambda row: row[0])
        ]

    async def years(self, unit: Unit) -> list[int]:
        """Return the years with a table. Raises `FiguresIncomplete`."""
        await self._check(unit.id)
        return await self._tables.years(unit.id)

    async def tables(
        self, actor: Principal, unit_id: UUID | None, wanted: TableFilter, paging: PageRequest
    ) -> Listed[Found]:
        """Return the tables of a unit (None: the viewer's), the latest year first.

        Raises `UnitNotFound`, `UnitOutOfReach`, `FiguresIncomplete`, as do the other methods with an actor.
        """
        unit = await self._access.unit(actor, unit_id, "published.list")
        await self._check(unit.id)
        return await self._tables.tables(unit.id, wanted, paging)

    async def table(self, actor: Principal, table_id: UUID) -> WholeTable:
        """Return a table. Raises `PublishedTableNotFound`, `UnitOutOfReach`."""
        await self._access.own(actor)
        found = await self._tables.table(table_id)
        if found is None:
            raise PublishedTableNotFound
        table, batch = found
        unit = await self._access.unit(actor, table.unit_id, "published.read")
        lines = await self._tables.lines(table_id)
        balances = rules.balances([line_of(line) for line in lines])
        newest = await self._tables.newest(table)
        per_head = await self._per_head(table.year, lines)
        return WholeTable(table, batch, unit, lines, balances, newest, per_head)

    async def lines(
        self,
        actor: Principal,
        unit_id: UUID | None,
        tables: TableFilter,
        lines: LineFilter,
        paging: PageRequest,
    ) -> Listed[Entry]:
        """Return lines of all tables of a unit."""
        unit = await self._access.unit(actor, unit_id, "published.lines")
        await self._check(unit.id)
        return await self._tables.entries(unit.id, tables, lines, paging)

    async def totals(self, actor: Principal, unit_id: UUID | None) -> tuple[Unit, list[YearTotals]]:
        """Return a unit and its published totals by year, the latest first; scopes stand side by side."""
        unit = await self._access.unit(actor, unit_id, "published.totals")
        await self._check(unit.id)
        rows = await self._tables.totals(unit.id)
        found = []
        for year, group in groupby(rows, lambda row: row[0].year):
            totals = list(group)
            figures = [(row[2].amount, row[2].persons, row[2].person_times) for row in totals]
            found.append(YearTotals(year, totals, rules.disagreeing(figures)))
        return unit, found

    async def of_batch(self, batch_id: UUID, paging: PageRequest) -> Listed[Entry]:
        """Return the lines of a batch, also of one that has been withdrawn; the caller has checked reach."""
        return await self._tables.of_batch(batch_id, paging)

    async def _per_head(
        self, year: int, lines: Sequence[PublishedLine]
    ) -> list[tuple[PublishedLine, Comparison]]:
        """Compare each line of a programme, with persons, with the programme's standard of the year."""
        wanted = [line for line in lines if line.programme and line.persons]
        if not wanted:
            return []
        book = await self._standards.book()
        found = []
        for line in wanted:
            # Of higher education as a whole, every stage of the programme.
            stage = None if line.stage in {rules.HIGHER, rules.TOTAL} else line.stage
            level = book.over(line.programme, Calendar.YEAR, str(year), stage=stage)
            found.append((line, compare(Decimal(line.amount), line.persons or 0, level)))
        return found

    async def _check(self, unit_id: UUID) -> None:
        if await self._tables.incomplete(unit_id):
            raise FiguresIncomplete


def line_of(line: PublishedLine) -> rules.Line:
    """Return a stored line as the rules see it."""
    share = line.share_percent
    return rules.Line(
        stage=line.stage,
        funding=line.funding,
        amount=Decimal(line.amount),
        programme=line.programme,
        region_group=line.region_group,
        share_percent=None if share is None else Decimal(share),
        persons=line.persons,
        person_times=line.person_times,
    )
