"""The units of the divisions with invented schools, and generated facts under the loads of batches."""

import io
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import insert

from bench.cockpit.facts import counties, divisions
from cockpit.analytics.store import Analytics
from cockpit.cells.building import CellBuilder
from cockpit.cells.service import Cells
from cockpit.feeds.declarations import FEEDS, ORIGIN_COLUMNS, FeedName
from cockpit.models import Batch, Unit
from onebox.facts.feeds import ROWS, Made, Row, facts
from servicekit.db import Database
from servicekit.ids import new_id

ROOT = "100000"
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def units(schools: int) -> dict[str, Unit]:
    """Return the units, by code: the centre, an office of each division, schools of each county."""
    found = {ROOT: _unit(ROOT, None, "ministry")}
    for one in divisions():
        found[one.code] = _unit(one.code, found[one.parent or ROOT], one.level)
    for county in counties():
        for number in range(1, schools + 1):
            code = f"{county}{number:04d}"
            found[code] = _unit(code, found[county], "school")
    return found


def _unit(code: str, parent: Unit | None, level: str) -> Unit:
    return Unit(
        id=uuid5(NAMESPACE_OID, code),
        code=code,
        name=f"单位{code}",
        short_name=code,
        level=level,
        kind="school" if level == "school" else "student_aid",
        stages=[],
        region_code=None if level == "ministry" else code[:6],
        parent_id=None if parent is None else parent.id,
        path=code if parent is None else f"{parent.path}.{code}",
        status="active",
        version=1,
    )


async def store(database: Database, world: dict[str, Unit]) -> None:
    """Put the units into the database."""
    names = [column.key for column in Unit.__table__.columns if column.key != "replicated_at"]
    rows = iter([{name: getattr(unit, name) for name in names} for unit in world.values()])
    while part := list(islice(rows, 5_000)):
        async with database.transaction() as session:
            await session.execute(insert(Unit), part)


_OF_ONE = frozenset({"person_token", "record_id", "award_record_id", "reversal_of"})
"""Columns that name a person or a record."""


@dataclass
class Times:
    """Seconds of the steps of each batch."""

    facts: list[float] = field(default_factory=list)
    prepare: list[float] = field(default_factory=list)
    commit: list[float] = field(default_factory=list)
    cells: int = 0
    loaded: int = 0


def batches(
    count: int,
    rows: int,
    seed: int,
    schools: int,
    within: str = "",
    feeds: Sequence[FeedName] = tuple(ROWS),
    *,
    by_province: bool = False,
) -> Iterator[tuple[FeedName, str, list[Row]]]:
    """Yield the facts of one place after the other, at most `rows` of a feed in a batch, with its code.

    The place is who sent them: a county, or its province.
    """

    def sender(one: Made) -> str:
        return f"{one.place[:2]}0000" if by_province else one.place

    for place, of_place in groupby(facts(count, seed, schools, within), key=sender):
        waiting: dict[FeedName, list[Row]] = {feed: [] for feed in feeds}
        for one in of_place:
            if one.feed in waiting:
                held = waiting[one.feed]
                held.append(one.row)
                if len(held) == rows:
                    yield one.feed, place, held
                    waiting[one.feed] = []
        for feed, held in waiting.items():
            if held:
                yield feed, place, held


class Loading:
    """Write batches and commit them, as intake does after its checks.

    With `copies`, each row stands for so many persons of one school who differ in nothing else.
    """

    def __init__(
        self,
        database: Database,
        analytics: Analytics,
        builder: CellBuilder,
        world: dict[str, Unit],
        copies: int = 1,
    ) -> None:
        self._copies = copies
        self._database = database
        self._analytics = analytics
        self._builder = builder
        self._world = world
        self.times = Times()

    async def load(self, feed: FeedName, place: str, rows: Sequence[Row]) -> UUID:
        """Load one batch. Return its load."""
        declared = FEEDS[feed]
        batch_id, load_id = new_id(), new_id()
        began = time.perf_counter()
        measures = [column for column in declared.measures if column.name in rows[0]._fields]
        places = [rows[0]._fields.index(column.name) for column in measures]
        year = rows[0]._fields.index(declared.year)
        unit = rows[0]._fields.index("unit_code")
        lines = io.BytesIO(
            b"".join(
                self._line(batch_id, load_id, row[unit], row[year], [row[at] for at in places])
                for row in rows
            )
        )
        await self._analytics.insert(
            declared.table, (*ORIGIN_COLUMNS, *(column.stored for column in measures)), lines
        )
        if self._copies > 1:
            await self._copy(declared.table, [column.stored for column in measures], load_id)
        written = time.perf_counter()
        deltas = await self._builder.prepare(feed, load_id)
        prepared = time.perf_counter()
        async with self._database.transaction() as session:
            session.add(self._batch(feed, batch_id, load_id, self._world[place], len(rows) * self._copies))
            await Cells(session).apply(deltas)
        done = time.perf_counter()
        self.times.facts.append(written - began)
        self.times.prepare.append(prepared - written)
        self.times.commit.append(done - prepared)
        self.times.cells += deltas.changes.cells
        self.times.loaded += len(rows) * self._copies
        return load_id

    async def _copy(self, table: str, columns: Sequence[str], load_id: UUID) -> None:
        names = [*ORIGIN_COLUMNS, *columns]
        shown = [f"concat({name}, '~', toString(copy))" if name in _OF_ONE else name for name in names]
        await self._analytics.execute(
            f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608 - declared names
            f" SELECT {', '.join(shown)} FROM {table} ARRAY JOIN range(1, {{copies:UInt32}}) AS copy"
            " WHERE load_id = {load:UUID}",
            {"copies": self._copies, "load": load_id},
            patient=True,
        )

    def _line(
        self, batch_id: UUID, load_id: UUID, code: object, year: object, values: Sequence[object]
    ) -> bytes:
        unit = self._world[str(code)]
        fact = (
            str(batch_id),
            str(load_id),
            "bench",
            "",
            str(unit.id),
            unit.code,
            unit.path,
            unit.region_code or "",
            year,
            1,
            "2026-11-26 00:00:00.000",
            # A date that is missing is null; texts of facts are not.
            *(None if value == "" else value for value in values),
        )
        return json.dumps(fact, ensure_ascii=False, default=str).encode() + b"\n"

    def _batch(self, feed: FeedName, batch_id: UUID, load_id: UUID, unit: Unit, rows: int) -> Batch:
        return Batch(
            id=batch_id,
            feed=feed,
            source="bench",
            unit_id=unit.id,
            unit_path=unit.path,
            status="committed",
            load_id=load_id,
            sha256=load_id.bytes,
            size_bytes=1,
            columns=[],
            accepted=rows,
            rejected=0,
            created_by="bench",
            created_at=NOW,
            touched_at=NOW,
            committed_at=NOW,
        )
