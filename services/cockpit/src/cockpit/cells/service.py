"""Cells within one transaction: add a load, read figures."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells.counters import Counter
from cockpit.cells.errors import FiguresIncomplete
from cockpit.cells.load_repository import LoadRepository
from cockpit.cells.repository import CellRepository, Figure
from cockpit.cells.rules import ALL, Calendar, Delta, Key

STATEMENT = 1_000
"""Cells changed by one statement."""
PATIENCE = timedelta(minutes=1)
"""How long a load that counts may be missing from the cells before figures are refused."""


@dataclass(frozen=True)
class LoadDeltas:
    """What a load changes in the cells, made by `CellBuilder.prepare`.

    `nodes` are the ids of its places, `schools` the codes of its schools, which have fewer cells.
    """

    load_id: UUID
    feed: str
    nodes: dict[str, int]
    changes: dict[Key, Delta]
    schools: Set[str]


@dataclass(frozen=True)
class Sums:
    """The figures of one cell, or of the cells of a unit at all of its places."""

    amount: Decimal
    times: int
    persons: int


NOTHING = Sums(Decimal(0), 0, 0)

Dimensions = tuple[str, str, str]
"""Stage, programme and source of funds, each a value or `ALL`."""
UNDIVIDED: Dimensions = (ALL, ALL, ALL)


@dataclass(frozen=True)
class Figures:
    """All figures of a unit in a period, and the undivided ones of the units below it, by code."""

    cells: dict[Dimensions, Sums]
    below: dict[str, Sums]


class Cells:
    """Change and read the cells."""

    def __init__(self, session: AsyncSession) -> None:
        self._cells = CellRepository(session)
        self._loads = LoadRepository(session)

    async def apply(self, deltas: LoadDeltas) -> None:
        """Add a load to the cells, in the transaction that makes it count. Does nothing the second time.

        Locks each cell that it changes until the transaction ends, those of the centre last.
        """
        if not await self._loads.count(deltas.load_id, deltas.feed, deltas.schools):
            return
        ordered = sorted(deltas.changes.items(), key=lambda change: change[0].order)
        for start in range(0, len(ordered), STATEMENT):
            await self._cells.add(deltas.feed, deltas.nodes, ordered[start : start + STATEMENT])

    async def as_of(self, now: datetime) -> datetime:
        """Return the time up to which the cells contain everything that counts.

        Raises `FiguresIncomplete` if that was more than a minute ago, which happens after an upgrade.
        """
        since = await self._loads.oldest_uncounted()
        if since is None:
            return now
        if since < now - PATIENCE:
            raise FiguresIncomplete
        return min(since, now)

    async def figures(self, feed: str, code: str, calendar: Calendar, period: str) -> Figures:
        """Return the figures of the unit with this code, wherever it was when its facts came in.

        The figures of the units below are those under this unit: a child that has moved away keeps here what
        it received here.
        """
        places = await self._cells.places(code)
        if not places:
            return Figures({}, {})
        here, children = await self._cells.figures(feed, places, calendar, period)
        own: dict[Dimensions, list[Figure]] = {}
        for figure in here:
            own.setdefault((figure.stage, figure.programme, figure.funding), []).append(figure)
        below: dict[str, list[Figure]] = {}
        for child, figure in children:
            below.setdefault(child, []).append(figure)
        return Figures(
            {dimensions: await self._total(found) for dimensions, found in own.items()},
            {child: await self._total(found) for child, found in below.items()},
        )

    async def periods(self, feed: str, code: str, calendar: Calendar) -> list[str]:
        """Return the periods for which a unit has figures, ascending."""
        places = await self._cells.places(code)
        return await self._cells.periods(feed, places, calendar) if places else []

    async def unmarked(self) -> bool:
        """Return whether the store of facts has to be told of a load (`CellBuilder.mark`)."""
        return bool(await self._loads.unmarked(1))

    async def _total(self, found: Sequence[Figure]) -> Sums:
        """Add up the cells of one unit at several places; a person may occur at more than one."""
        amount = sum((figure.amount for figure in found), Decimal(0))
        times = sum(figure.times for figure in found)
        if len(found) == 1:
            return Sums(amount, times, found[0].persons)
        counters: dict[int, Counter] = {}
        for block, packed in await self._cells.counters([figure.cell_id for figure in found]):
            counters.setdefault(block, Counter()).add(Counter.unpack(packed))
        return Sums(amount, times, sum(counter.persons() for counter in counters.values()))
