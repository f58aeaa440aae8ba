"""Queries over published tables. They belong to the unit itself and do not include those of its children.

A unit is found by its id, which it keeps when its code changes and when it moves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cockpit.published.models import Entry, Found, PublishedBatch, PublishedLine, PublishedTable
from cockpit.published.rules import ALL, TOTAL
from servicekit.ids import new_id
from servicekit.lists import Listed, Order, listed
from servicekit.paging import PageRequest, whole_number

MOST_TOTALS = 1_000
"""Tables of one unit whose totals are compared."""

Ts = TypeVarTuple("Ts")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class TableFilter:
    """Which tables are wanted; None is any."""

    year: int | None = None
    source: str | None = None
    scope: str | None = None
    q: str | None = None


@dataclass(frozen=True)
class LineFilter:
    """Which lines are wanted; None is any. `undivided`: only those of all programmes and regions."""

    stage: str | None = None
    funding: str | None = None
    programme: str | None = None
    region_group: str | None = None
    undivided: bool = False


_BY_TABLE = Order((PublishedTable.year, PublishedTable.id), (int, UUID), descending=True)
_BY_LINE = Order(
    (
        PublishedTable.year,
        PublishedTable.id,
        PublishedLine.stage,
        PublishedLine.funding,
        PublishedLine.programme,
        PublishedLine.region_group,
    ),
    (int, UUID, str, str, str, str),
)
_OF_BATCH = Order(
    (
        PublishedTable.year,
        PublishedTable.scope,
        PublishedLine.stage,
        PublishedLine.funding,
        PublishedLine.programme,
        PublishedLine.region_group,
    ),
    (whole_number, str, str, str, str, str),
)


class PublishedRepository:
    """Read and write published tables."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    # Writing

    async def note(
        self, batch_id: UUID, load_id: UUID, unit_id: UUID, source: str, committed_at: datetime
    ) -> bool:
        """Record a batch that counts; return False if its lines are here already. Locks the batch."""
        await self._session.execute(
            upsert(PublishedBatch)
            .values(
                batch_id=batch_id,
                load_id=load_id,
                unit_id=unit_id,
                source=source,
                committed_at=committed_at,
            )
            .on_conflict_do_nothing()
        )
        filled = await self._session.execute(
            update(PublishedBatch)
            .where(PublishedBatch.batch_id == batch_id, PublishedBatch.filled_at.is_(None))
            .values(filled_at=func.now())
            .returning(PublishedBatch.batch_id)
        )
        return filled.first() is not None

    async def add(self, batch_id: UUID, unit_id: UUID, source: str, lines: Sequence[Row]) -> None:
        """Store the lines of a batch."""
        tables: dict[tuple[int, str], PublishedTable] = {}
        for line in lines:
            key = line["year"], line["scope"]
            table = tables.get(key)
            if table is None:
                table = tables[key] = PublishedTable(
                    id=new_id(),
                    batch_id=batch_id,
                    unit_id=unit_id,
                    source=source,
                    scope=line["scope"],
                    year=line["year"],
                    lines=0,
                )
            table.lines += 1
        self._session.add_all(tables.values())
        await self._session.flush()
        rows = [
            {
                "table_id": tables[line["year"], line["scope"]].id,
                **{name: line[name] for name in _LINE},
            }
            for line in lines
        ]
        for start in range(0, len(rows), _INSERTED):
            await self._session.execute(upsert(PublishedLine), rows[start : start + _INSERTED])

    async def unfilled(
        self, limit: int, after: tuple[datetime, UUID] | None = None
    ) -> list[tuple[UUID, UUID, UUID, str, datetime]]:
        """Return batches whose lines are not here, oldest first: id, load, unit, source, time."""
        key = tuple_(PublishedBatch.committed_at, PublishedBatch.batch_id)
        rows = await self._session.execute(
            select(
                PublishedBatch.batch_id,
                PublishedBatch.load_id,
                PublishedBatch.unit_id,
                PublishedBatch.source,
                PublishedBatch.committed_at,
            )
            .where(PublishedBatch.filled_at.is_(None), *(() if after is None else (key > after,)))
            .order_by(key)
            .limit(limit)
        )
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    # Reading

    async def incomplete(self, unit_id: UUID) -> bool:
        """Return whether a batch of the unit counts whose lines are not here yet."""
        return bool(
            await self._session.scalar(
                select(
                    exists().where(
                        PublishedBatch.unit_id == unit_id,
                        PublishedBatch.filled_at.is_(None),
                        PublishedBatch.reversed_at.is_(None),
                    )
                )
            )
        )

    async def years(self, unit_id: UUID) -> list[int]:
        """Return the years with a table."""
        tables = _counting(select(PublishedTable.year)).where(PublishedTable.unit_id == unit_id)
        return sorted(await self._session.scalars(tables.distinct()))

    async def lines_of_year(self, unit_id: UUID, year: int) -> list[tuple[Found, PublishedLine]]:
        """Return the lines of the unit's tables of a year that are neither by programme nor by region."""
        statement = (
            _current()
            .add_columns(PublishedLine)
            .join(PublishedLine, PublishedLine.table_id == PublishedTable.id)
            .where(
                PublishedTable.unit_id == unit_id,
                PublishedTable.year == year,
                PublishedLine.programme == ALL,
                PublishedLine.region_group == ALL,
            )
            .order_by(PublishedTable.source, PublishedTable.scope)
        )
        rows: Any = await self._session.execute(statement)
        return [((row[0], row[1]), row[2]) for row in rows]

    async def tables(self, unit_id: UUID, wanted: TableFilter, paging: PageRequest) -> Listed[Found]:
        """Return the unit's tables, the latest year first."""
        statement = _current().where(PublishedTable.unit_id == unit_id)
        return await listed(self._session, _filtered(statement, wanted), _BY_TABLE, paging)

    async def table(self, table_id: UUID) -> Found | None:
        """Return a table that counts, or None."""
        statement = _counting(select(PublishedTable, PublishedBatch)).where(PublishedTable.id == table_id)
        row: Any = (await self._session.execute(statement)).first()
        return None if row is None else (row[0], row[1])

    async def newest(self, table: PublishedTable) -> UUID:
        """Return the id of the table that is in force for a table's source, scope and year."""
        statement = (
            _counting(select(PublishedTable.id))
            .where(
                PublishedTable.unit_id == table.unit_id,
                PublishedTable.source == table.source,
                PublishedTable.scope == table.scope,
                PublishedTable.year == table.year,
            )
            .order_by(PublishedBatch.committed_at.desc(), PublishedBatch.batch_id.desc())
            .limit(1)
        )
        return (await self._session.scalars(statement)).one()

    async def lines(self, table_id: UUID) -> Sequence[PublishedLine]:
        """Return all lines of a table: as many as stages, sources, programmes and regions can make."""
        return (
            await self._session.scalars(
                select(PublishedLine)
                .where(PublishedLine.table_id == table_id)
                .order_by(
                    PublishedLine.stage,
                    PublishedLine.funding,
                    PublishedLine.programme,
                    PublishedLine.region_group,
                )
            )
        ).all()

    async def entries(
        self, unit_id: UUID, tables: TableFilter, lines: LineFilter, paging: PageRequest
    ) -> Listed[Entry]:
        """Return the lines of the unit's tables."""
        statement = _filtered(
            _newest_only(
                _counting(
                    select(PublishedTable, PublishedLine).join(
                        PublishedLine, PublishedLine.table_id == PublishedTable.id
                    )
                )
            ).where(PublishedTable.unit_id == unit_id),
            tables,
        )
        for column, value in (
            (PublishedLine.stage, lines.stage),
            (PublishedLine.funding, lines.funding),
            (PublishedLine.programme, lines.programme),
            (PublishedLine.region_group, lines.region_group),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if lines.undivided:
            statement = statement.where(PublishedLine.programme == ALL, PublishedLine.region_group == ALL)
        return await listed(self._session, statement, _BY_LINE, paging)

    async def of_batch(self, batch_id: UUID, paging: PageRequest) -> Listed[Entry]:
        """Return the lines of a batch, also of one that has been withdrawn."""
        statement = (
            select(PublishedTable, PublishedLine)
            .join(PublishedLine, PublishedLine.table_id == PublishedTable.id)
            .where(PublishedTable.batch_id == batch_id)
        )
        return await listed(self._session, statement, _OF_BATCH, paging)

    async def totals(self, unit_id: UUID) -> list[tuple[PublishedTable, PublishedBatch, PublishedLine]]:
        """Return the line of each table that is the total of everything in it, the latest year first."""
        statement = (
            _current()
            .add_columns(PublishedLine)
            .join(PublishedLine, PublishedLine.table_id == PublishedTable.id)
            .where(
                PublishedTable.unit_id == unit_id,
                PublishedLine.stage == TOTAL,
                PublishedLine.funding == "all",
                PublishedLine.programme == ALL,
                PublishedLine.region_group == ALL,
            )
            .order_by(PublishedTable.year.desc(), PublishedTable.source, PublishedTable.scope)
            .limit(MOST_TOTALS)
        )
        rows: Any = await self._session.execute(statement)
        return [(row[0], row[1], row[2]) for row in rows]


_INSERTED = 1_000
_LINE = (
    "stage",
    "funding",
    "programme",
    "region_group",
    "is_total",
    "amount",
    "share_percent",
    "persons",
    "person_times",
    "note",
)


def _counting(statement: Select[*Ts]) -> Select[*Ts]:
    """Leave out tables of batches that have been withdrawn."""
    return statement.join(PublishedBatch, PublishedBatch.batch_id == PublishedTable.batch_id).where(
        PublishedBatch.reversed_at.is_(None)
    )


def _newest_only(statement: Select[*Ts]) -> Select[*Ts]:
    """Of the tables of one source, scope and year, keep the one that was committed last."""
    other, its_batch = aliased(PublishedTable), aliased(PublishedBatch)
    newer = (
        exists()
        .where(
            other.unit_id == PublishedTable.unit_id,
            other.year == PublishedTable.year,
            other.source == PublishedTable.source,
            other.scope == PublishedTable.scope,
            its_batch.batch_id == other.batch_id,
            its_batch.reversed_at.is_(None),
            or_(
                its_batch.committed_at > PublishedBatch.committed_at,
                and_(
                    its_batch.committed_at == PublishedBatch.committed_at,
                    its_batch.batch_id > PublishedBatch.batch_id,
                ),
            ),
        )
        .correlate(PublishedTable, PublishedBatch)
    )
    return statement.where(~newer)


def _current() -> Select[PublishedTable, PublishedBatch]:
    return _newest_only(_counting(select(PublishedTable, PublishedBatch)))


def _filtered(statement: Select[*Ts], wanted: TableFilter) -> Select[*Ts]:
    for column, value in (
        (PublishedTable.year, wanted.year),
        (PublishedTable.source, wanted.source),
        (PublishedTable.scope, wanted.scope),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.q is not None:
        statement = statement.where(
            or_(
                PublishedTable.source.icontains(wanted.q, autoescape=True),
                PublishedTable.scope.icontains(wanted.q, autoescape=True),
            )
        )
    return statement
