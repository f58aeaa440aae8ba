"""Cells within one transaction: add a load, read figures."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells import rules
from cockpit.cells.counters import NOBODY, Counter
from cockpit.cells.dimensions import CellFeed
from cockpit.cells.errors import FiguresIncomplete, GroupingNotKept
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.load_repository import LoadRepository
from cockpit.cells.multiples import Multiples, Several
from cockpit.cells.overlaps import Overlaps, Pair, Side, Versions
from cockpit.cells.reading_repository import CellReader, Selection, Stored
from cockpit.cells.repository import CellRepository
from cockpit.cells.rules import Calendar, CellKey, Delta, Dimension, Grouping, Question, Tree
from cockpit.cells.spill import Changes
from cockpit.feeds.declarations import FeedName
from servicekit.db import hold

STATEMENT = 1_000
"""Cells changed by one statement."""
PATIENCE = timedelta(minutes=1)
"""How long a load that counts may be missing from the cells before figures are refused."""
Only = Mapping[Dimension, Sequence[str]]
Values = Mapping[Dimension, str]


@dataclass(frozen=True)
class LoadDeltas:
    """What a load changes in the cells, made by `CellBuilder.prepare`.

    `schools` are the codes of its schools, which have fewer cells.
    """

    load_id: UUID
    feed: str
    changes: Changes
    schools: Set[str]


@dataclass(frozen=True)
class CellRow:
    """The figures of a place in a period for some values of the dimensions asked for.

    `code` is of a unit or region. `amount` is yuan, `times` facts less reversals, `persons` distinct,
    `weight` what the feed declares. Places and values without facts have no row.
    """

    code: str
    period: str
    values: Values
    amount: Decimal
    times: int
    persons: int
    weight: Decimal
    cells: Versions = ()
    """The cells that it adds up."""

    @property
    def side(self) -> Side:
        """Its persons, for `Cells.common`."""
        return Side(self.cells, self.persons)


@dataclass(frozen=True)
class Ask:
    """A question for `Cells.ask`: the figures of some places, or of those directly `below` one.

    Told apart `by` dimensions, of facts that have `only` some values of dimensions. `among` limits the places
    below; empty are all.
    """

    feed: FeedName
    tree: Tree
    calendar: Calendar
    codes: Sequence[str]
    periods: Sequence[str]
    by: Grouping = frozenset()
    only: Only = field(default_factory=dict)
    below: bool = False
    among: Sequence[str] = ()


@dataclass(frozen=True)
class CellRef:
    """The persons of a place in a period, of facts that have `only` some values of dimensions."""

    feed: FeedName
    tree: Tree
    calendar: Calendar
    code: str
    period: str
    only: Only = field(default_factory=dict)


def supports(
    feed: FeedName,
    tree: Tree,
    dimensions: Iterable[Dimension],
    *,
    school: bool = False,
    calendar: Calendar | None = None,
) -> bool:
    """Return whether figures by these dimensions are kept, in a calendar or (None) in any of them."""
    declared = CELL_FEEDS.get(feed)
    if declared is None or (school and tree is Tree.TERRITORY):
        return False
    asked = frozenset(dimensions)
    return any(
        rules.plan(declared.kept(one, school=school), asked, {}) is not None
        for one in (declared.periods if calendar is None else (calendar,))
    )


class Cells:
    """Change and read the cells."""

    def __init__(
        self, session: AsyncSession, overlaps: Overlaps | None = None, multiples: Multiples | None = None
    ) -> None:
        self._session = session
        self._cells = CellRepository(session)
        self._reader = CellReader(session)
        self._loads = LoadRepository(session)
        self._overlaps = overlaps or Overlaps()
        self._multiples = multiples or Multiples()
        self._since: datetime | None = None
        self._known = False

    async def apply(self, deltas: LoadDeltas) -> None:
        """Add a load to the cells, in the transaction that makes it count. Does nothing the second time.

        Locks each cell that it changes until the transaction ends, those of the roots last.
        """
        if not await self._loads.count(deltas.load_id, deltas.feed, deltas.schools):
            return
        changes = deltas.changes.ordered()
        while part := await asyncio.to_thread(_next, changes):
            await self._cells.add(part)

    async def hold(self) -> None:
        """Read from now on at one moment, with all that reads in the same session.

        Otherwise a batch may begin to count after figures have been read, and before it is decided which of
        them are hidden.
        """
        await hold(self._session)

    async def as_of(self, now: datetime) -> datetime:
        """Return the time up to which the cells contain everything that counts.

        Raises `FiguresIncomplete` if that was more than a minute ago, which happens after an upgrade.
        """
        if not self._known:
            self._since = await self._loads.oldest_uncounted()
            self._known = True
        if self._since is None:
            return now
        if self._since < now - PATIENCE:
            raise FiguresIncomplete
        return min(self._since, now)

    async def read(
        self,
        feed: FeedName,
        tree: Tree,
        calendar: Calendar,
        *,
        codes: Sequence[str],
        periods: Sequence[str],
        by: Grouping = frozenset(),
        only: Only | None = None,
    ) -> list[CellRow]:
        """Return the figures of some units or regions. Raises as `ask` does."""
        (rows,) = await self.ask([Ask(feed, tree, calendar, codes, periods, by, only or {})])
        return rows

    async def below(
        self,
        feed: FeedName,
        tree: Tree,
        calendar: Calendar,
        *,
        code: str,
        periods: Sequence[str],
        by: Grouping = frozenset(),
        only: Only | None = None,
    ) -> list[CellRow]:
        """Return the figures of the places directly below one, with their codes. Raises as `ask` does."""
        (rows,) = await self.ask([Ask(feed, tree, calendar, [code], periods, by, only or {}, below=True)])
        return rows

    async def ask(self, questions: Sequence[Ask]) -> list[list[CellRow]]:
        """Answer several questions from one moment, each with the rows in the order of code and period.

        The figures of a unit are those of all places where facts found it. A place below a unit is given with
        what it received under this unit, also if it has moved since. Raises `FiguresIncomplete`,
        `GroupingNotKept`.
        """
        plans = [await self._plan(one) for one in questions]
        await self.as_of(datetime.now(UTC))
        selections = [
            Selection(
                one.feed.value,
                one.tree,
                one.calendar,
                one.codes,
                one.periods,
                plan.stored,
                plan.only,
                one.below,
                one.among,
            )
            for one, plan in zip(questions, plans, strict=True)
        ]
        groups: list[dict[tuple[str, str, rules.Combination], list[Stored]]] = [{} for _ in questions]
        for cell in await self._reader.select(selections):
            shown = rules.combined(rules.answer(cell.values, plans[cell.selection]))
            groups[cell.selection].setdefault((cell.code, cell.period, shown), []).append(cell)
        merged = await self._persons([cells for group in groups for cells in group.values()])
        return [[_row(key, group[key], merged) for key in sorted(group)] for group in groups]

    async def periods(
        self, feed: FeedName, tree: Tree, calendars: Sequence[Calendar], code: str
    ) -> dict[Calendar, list[str]]:
        """Return the periods for which a unit or region has figures, ascending, by calendar."""
        return await self._reader.periods(feed.value, tree, calendars, code)

    async def common(self, pairs: Sequence[Pair]) -> list[int]:
        """Return for each pair of sides (`CellRow.side`) how many persons are in both.

        Exact if the rows were read after `hold`. Costs some 20 µs for each 8,192 persons and cell. Kept
        until one of the cells changes.
        """
        return await self._overlaps.persons(self._reader, pairs)

    async def persons_in_both(self, left: CellRef, right: CellRef) -> int:
        """Return how many persons are in both: listed and aided, in two school years.

        Call `hold` before. Raises as `ask` does.
        """
        found = await self.ask(
            [
                Ask(one.feed, one.tree, one.calendar, [one.code], [one.period], only=one.only)
                for one in (left, right)
            ]
        )
        sides = [together(row.side for row in rows) for rows in found]
        (count,) = await self.common([(sides[0], sides[1])])
        return count

    async def several(self, ref: CellRef, by: Dimension) -> Several:
        """Return how many persons have one, two, or more values of a dimension.

        Exact at the moment of `hold`. Costs some 20 µs for each 8,192 persons and value, and is kept until
        one of the cells changes. Raises as `ask` does.
        """
        ask = Ask(ref.feed, ref.tree, ref.calendar, [ref.code], [ref.period], frozenset({by}), ref.only)
        plan = await self._plan(ask)
        await self.as_of(datetime.now(UTC))
        selection = Selection(
            *(ask.feed.value, ask.tree, ask.calendar, ask.codes, ask.periods, plan.stored, plan.only)
        )
        groups: dict[str, list[Stored]] = {}
        for cell in await self._reader.select([selection]):
            groups.setdefault(cell.values[by.value], []).append(cell)
        return await self._multiples.persons(self._reader, list(groups.values()))

    async def unmarked(self) -> bool:
        """Return whether the store of facts has to be told of a load (`CellBuilder.mark`)."""
        return bool(await self._loads.unmarked(1))

    async def _plan(self, one: Ask) -> Question:
        declared = CELL_FEEDS[one.feed]
        plan = _planned(one, declared, school=False)
        # Schools below have no row where they do not keep such cells; the offices beside them have.
        if one.tree is Tree.AUTHORITY and not one.below:
            asked = plan.stored
            if asked not in declared.kept(one.calendar, school=True) and await self._reader.any_school(
                one.codes, below=one.below
            ):
                return _planned(one, declared, school=True)
        return plan

    async def _persons(self, groups: Iterable[Sequence[Stored]]) -> dict[int, int]:
        """Return the persons of cells that are added up, by the first cell: one may be in several of them."""
        several = [[cell.cell_id for cell in cells] for cells in groups if len(cells) > 1]
        if not several:
            return {}
        first = {cell: cells[0] for cells in several for cell in cells}
        counters = await self._reader.counters(list(first))
        return await asyncio.to_thread(_added, first, counters)


def _planned(one: Ask, declared: CellFeed, *, school: bool) -> Question:
    kept = declared.kept(one.calendar, school=school)
    plan = rules.plan(kept, one.by, one.only)
    if plan is None:
        asked = one.by | one.only.keys()
        raise GroupingNotKept.of(one.feed, one.calendar, asked, kept, school=school)
    return plan


def _next(changes: "Iterable[tuple[CellKey, Delta]]") -> list[tuple[CellKey, Delta]]:
    return list(islice(changes, STATEMENT))


def _row(
    key: tuple[str, str, rules.Combination], cells: Sequence[Stored], merged: Mapping[int, int]
) -> CellRow:
    code, period, values = key
    return CellRow(
        code,
        period,
        {Dimension(name): value for name, value in values},
        sum((cell.amount for cell in cells), Decimal(0)),
        sum(cell.times for cell in cells),
        cells[0].persons if len(cells) == 1 else merged.get(cells[0].cell_id, 0),
        sum((cell.weight for cell in cells), Decimal(0)),
        tuple(sorted((cell.cell_id, cell.version) for cell in cells)),
    )


def together(sides: Iterable[Side]) -> Side:
    """Return one side of all: whoever is in one of them."""
    found = list(sides)
    cells = sorted({cell for side in found for cell in side.cells})
    return Side(tuple(cells), sum(side.persons for side in found))


def _added(first: Mapping[int, int], counters: Iterable[tuple[int, int, bytes]]) -> dict[int, int]:
    sums: dict[tuple[int, int], Counter] = {}
    for cell, block, packed in counters:
        key = first[cell], block
        sums[key] = sums.get(key, NOBODY).with_(Counter.unpack(packed))
    persons: dict[int, int] = {}
    for (cell, _), counter in sums.items():
        persons[cell] = persons.get(cell, 0) + counter.persons()
    return persons
