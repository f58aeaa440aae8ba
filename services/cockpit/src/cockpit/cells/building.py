"""The builder: reads a load's facts, and returns what it changes in the cells.

1. The facts of a load are in ClickHouse and do not count.
2. `prepare` reads them back, without a transaction. It numbers places and persons in short transactions; a
   number that nothing uses does no harm.
3. `Cells.apply` adds the result to the cells in the transaction that makes the load count. From here on
   every view has it.
4. `mark` tells ClickHouse that the load counts, for the queries that read facts. They call it first, so they
   see what was committed before.

A process that ends between two steps leaves nothing that counts in part: the load of step 2 is deleted with
its facts, that of step 3 is marked by the next query or by `catch_up`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.analytics.errors import AnalyticsBusy, AnalyticsUnavailable
from cockpit.analytics.store import Analytics
from cockpit.cells import rules
from cockpit.cells.counters import counters_of
from cockpit.cells.dimensions import CellFeed
from cockpit.cells.facts import LoadFacts, Marks, Row
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.load_repository import LoadRepository
from cockpit.cells.repository import CellRepository
from cockpit.cells.rules import CellKey, Combination, Delta, Key, Sum, Tree, rank_of
from cockpit.cells.service import Cells, LoadDeltas
from cockpit.cells.spill import Changes
from cockpit.directory.service import Units
from contracts.vocabulary import Level
from jobs.kinds import Periodic
from servicekit.db import Database

log = structlog.get_logger("cells")

NUMBERED = 10_000
"""Persons and places numbered by one transaction."""
CAUGHT_UP = 100
MARKED = 1_000

FAILED = Counter("zhuxue_cockpit_failed_loads_total", "Attempts to add a load to the cells late that failed")


class CellBuilder:
    """Prepare loads for the cells; one builder serves the whole process."""

    def __init__(
        self,
        database: Database,
        analytics: Analytics,
        cells: Callable[[AsyncSession], Cells],
        units: Callable[[AsyncSession], Units],
    ) -> None:
        self._database = database
        self._cells_in = cells
        self._facts = LoadFacts(analytics)
        self._marks = Marks(analytics)
        self._units = units

    def within(self, session: AsyncSession) -> Cells:
        """Return the cells in a transaction of the process's own, to apply what has been prepared."""
        return self._cells_in(session)

    async def prepare(
        self,
        feed: str,
        load_id: UUID,
        alive: Callable[[], Awaitable[None]] | None = None,
        *,
        reverses: UUID | None = None,
        at: datetime | None = None,
    ) -> LoadDeltas:
        """Return what a load changes in the cells. Raises as `Analytics.query` does.

        Call it outside of a transaction, after the facts have been written. Needs memory for a page of facts
        and a run of changes, whatever the size of the load. `alive` is called after each page: a large load
        takes many minutes. Units are taken for what they were `at` a time (None: now). A load that `reverses`
        another changes the same cells, whatever its units have become since.
        """
        changes = Changes()
        found: set[str] = set()
        kept = await self._schools_of(reverses)
        declared = CELL_FEEDS.get(feed)
        if declared is not None:
            async for rows in self._facts.sums(declared, load_id):
                numbers = await self._numbers(rows) if declared.persons else {}
                codes = {code for row in rows for code in row["place"].split(".")}
                schools = await self._schools(codes, at) if kept is None else kept
                found |= schools & codes
                page = await asyncio.to_thread(_changed, declared, rows, numbers, schools)
                await self._add(declared, changes, page)
                if alive is not None:
                    await alive()
        return LoadDeltas(load_id, feed, changes, found)

    async def mark(self) -> None:
        """Tell the store of facts which loads count. Two processes may do so at once: it keeps a set."""
        while True:
            async with self._database.transaction() as session:
                loads = await LoadRepository(session).unmarked(MARKED)
            if not loads:
                return
            await self._marks.add(loads)
            async with self._database.transaction() as session:
                await LoadRepository(session).mark(loads)

    async def reconcile(self) -> int:
        """Make the marks in the store of facts equal to PostgreSQL, and return how many were wrong.

        They differ after one of the two has been restored from a backup. Run at the start of a process.
        """
        marked = await self._marks.count()
        async with self._database.transaction() as session:
            counted, unmarked = await LoadRepository(session).marks()
        # A mark that is being written may or may not be among those counted.
        if counted - unmarked <= marked <= counted:
            return 0
        extra, known = await self._unknown_marks()
        for load in extra:
            await self._marks.remove(load)
        async with self._database.transaction() as session:
            missing = await LoadRepository(session).unmark_except(known)
        log.warning("marks of loads differed from the database", removed=len(extra), missing=missing)
        await self.mark()
        return len(extra) + missing

    async def _unknown_marks(self) -> tuple[list[UUID], set[UUID]]:
        extra: list[UUID] = []
        known: set[UUID] = set()
        after = ""
        while True:
            page = await self._marks.after(after, MARKED)
            if not page:
                return extra, known
            async with self._database.transaction() as session:
                found = await LoadRepository(session).known(page)
            extra += [load for load in page if load not in found]
            known |= found
            after = str(page[-1])

    async def catch_up(self) -> int:
        """Add loads that count to the cells where their commit did not; return their number.

        These are the loads of batches from before the cells, and of a version without them. A load that fails
        is logged and counted, and does not keep those after it from the cells; the next run tries it again.
        """
        done = 0
        after: tuple[datetime, UUID] | None = None
        while True:
            async with self._database.transaction() as session:
                loads = await LoadRepository(session).uncounted(CAUGHT_UP, after)
            for since, load_id, feed in loads:
                after = since, load_id
                done += await self._add_late(feed, load_id, since)
            if len(loads) < CAUGHT_UP:
                break
        if done:
            log.info("loads added to the cells afterwards", count=done)
        await self.mark()
        return done

    async def _add_late(self, feed: str, load_id: UUID, since: datetime) -> bool:
        try:
            # A unit may have become something else since the load began to count.
            deltas = await self.prepare(feed, load_id, at=since)
            async with self._database.transaction() as session:
                await self.within(session).apply(deltas)
        except (AnalyticsBusy, AnalyticsUnavailable):
            # The store has no answer for any load.
            raise
        except Exception:
            FAILED.inc()
            log.exception("load not added to the cells", load=str(load_id), feed=feed)
            return False
        return True

    def catching_up(self) -> Periodic:
        """Return `catch_up` as a periodic task."""
        return Periodic("cockpit.cells.catch_up", self.catch_up, every=timedelta(seconds=30), at_start=True)

    async def _numbers(self, rows: Sequence[Row]) -> dict[str, int]:
        """Return the numbers of the persons of a page, by token.

        Numbered some thousands at a time, in the order of the units: persons of one place are neighbours, and
        their counters are few.
        """
        tokens = {_hash(token): token for row in rows for token in row["tokens"]}
        hashes = list(tokens)
        numbers: dict[str, int] = {}
        for start in range(0, len(hashes), NUMBERED):
            async with self._database.transaction() as session:
                found = await CellRepository(session).numbers(hashes[start : start + NUMBERED])
            numbers.update({tokens[hashed]: number for hashed, number in found.items()})
        return numbers

    async def _schools_of(self, load_id: UUID | None) -> frozenset[str] | None:
        """Return the codes that were schools' when a load was added to the cells, None if that is unknown."""
        if load_id is None:
            return None
        async with self._database.transaction() as session:
            found = await LoadRepository(session).schools(load_id)
        return None if found is None else frozenset(found)

    async def _schools(self, codes: set[str], at: datetime | None) -> frozenset[str]:
        """Return those of some codes that are schools', or were at a time."""
        async with self._database.transaction() as session:
            levels = await self._units(session).levels(codes, at)
        return frozenset(code for code, level in levels.items() if level == Level.SCHOOL)

    async def _add(self, feed: CellFeed, changes: Changes, page: dict[Key, Delta]) -> None:
        """Add the changes of a page, by the numbers of their places and combinations."""
        nodes: dict[tuple[Tree, str], int] = {}
        for tree in Tree:
            paths = sorted({key.path for key in page if key.tree is tree})
            for start in range(0, len(paths), NUMBERED):
                async with self._database.transaction() as session:
                    found = await CellRepository(session).nodes(tree, paths[start : start + NUMBERED])
                nodes.update({(tree, path): node for path, node in found.items()})
        async with self._database.transaction() as session:
            combinations = await CellRepository(session).combinations(
                feed.name.value, sorted({key.values for key in page})
            )
        await asyncio.to_thread(_hold, changes, page, nodes, combinations)


def _hold(
    changes: Changes,
    page: dict[Key, Delta],
    nodes: dict[tuple[Tree, str], int],
    combinations: dict[Combination, int],
) -> None:
    for key, delta in page.items():
        node, combination = nodes[key.tree, key.path], combinations[key.values]
        changes.add(CellKey(rank_of(key.path), node, combination, key.calendar.value, key.period), delta)
    changes.spill()


def _changed(
    feed: CellFeed, rows: Sequence[Row], numbers: dict[str, int], schools: frozenset[str]
) -> dict[Key, Delta]:
    sums = (
        Sum(
            path=row["place"],
            region=row["region"],
            periods={calendar: row[f"period_{calendar.value}"] for calendar in feed.periods},
            values={dimension: row[f"value_{dimension.value}"] for dimension in feed.columns},
            amount=row["amount"],
            times=row["times"],
            weight=row["weight"],
            persons=counters_of([numbers[token] for token in row["tokens"]], row["nets"])
            if feed.persons
            else {},
        )
        for row in rows
    )
    return rules.changes_of(feed, sums, schools.__contains__)


def _hash(token: str) -> UUID:
    """Return the 128 bits that stand for a token: at 10⁹ persons, two share them with probability 10⁻²¹."""
    return UUID(bytes=blake2b(token.encode(), digest_size=16).digest())
