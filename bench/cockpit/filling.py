"""Loads the generated facts, or goes on where an earlier run stopped; a kept world is not loaded again."""

import argparse
import json
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from bench.cockpit.serving import Served
from bench.cockpit.world import Loading, batches, store
from bench.common.statistics import percentile
from cockpit.feeds.declarations import FeedName
from cockpit.models import Batch, Unit
from onebox.facts.feeds import ROWS
from servicekit.db import Database

PROGRESS_SECONDS = 20.0
_WANTED = ("facts", "feeds", "batch", "schools", "within", "copies", "by_province")
_SIZES = """
SELECT (SELECT count(*) FROM cell_figures) AS cells, pg_total_relation_size('cell_figures') AS cell_bytes,
       pg_total_relation_size('cell_counters') AS person_bytes,
       pg_total_relation_size('person_numbers') AS number_bytes
"""


@dataclass(frozen=True)
class Filled:
    """What was loaded, and the lines of a table about it."""

    facts: int
    rows: list[list[str]]


def feeds_of(given: argparse.Namespace) -> tuple[FeedName, ...]:
    """Return the feeds asked for."""
    return tuple(ROWS) if given.feeds == "all" else (FeedName.AWARD,)


async def fill(cockpit: Served, given: argparse.Namespace, world: dict[str, Unit]) -> Filled:
    """Load the facts of the command line. Raises SystemExit if other facts are kept in the directory."""
    wanted = {name: getattr(given, name) for name in _WANTED}
    note = None if given.keep is None else Note(given.keep / "loaded.json", wanted)
    kept = None if note is None else note.read()
    if kept is not None:
        return kept
    filled = await _load(cockpit, given, world)
    if note is not None:
        note.write(filled)
    return filled


class Note:
    """What is in a kept world."""

    def __init__(self, path: Path, wanted: dict[str, Any]) -> None:
        self._path = path
        self._wanted = wanted

    def read(self) -> Filled | None:
        """Return what was loaded, None if loading has not ended. Raises SystemExit for other facts."""
        if not self._path.exists():
            self.write(Filled(0, []))
        kept = json.loads(self._path.read_text(encoding="utf-8"))
        if kept["wanted"] != self._wanted:
            raise SystemExit(f"{self._path} has other facts: {kept['wanted']}")
        return Filled(kept["loaded"], kept["rows"]) if kept["rows"] else None

    def write(self, filled: Filled) -> None:
        """Note what was loaded."""
        kept = {"wanted": self._wanted, "loaded": filled.facts, "rows": filled.rows}
        self._path.write_text(json.dumps(kept), encoding="utf-8")


async def _load(cockpit: Served, given: argparse.Namespace, world: dict[str, Unit]) -> Filled:
    database: Database = cockpit.app.state.database
    async with database.transaction() as session:
        done = await session.scalar(select(func.count()).select_from(Batch)) or 0
        known = await session.scalar(select(func.count()).select_from(Unit)) or 0
    if not known:
        await store(database, world)
    loading = Loading(
        database, cockpit.app.state.analytics, cockpit.app.state.cell_builder, world, given.copies
    )
    began, cpu, loaded, said = time.perf_counter(), _cpu(), 0, time.perf_counter()
    before = 0
    made = batches(
        *(given.facts, given.batch, 1, given.schools, given.within, feeds_of(given)),
        by_province=given.by_province,
    )
    for number, (feed, place, part) in enumerate(made):
        if number < done:
            before += len(part) * given.copies
            continue
        await loading.load(feed, place, part)
        loaded = loading.times.loaded
        if time.perf_counter() - said > PROGRESS_SECONDS:
            said = time.perf_counter()
            rate = loaded / (said - began)
            share = f", {number + 1:,} batches, {place}, {rate:,.0f} facts/s, {_peak():,.0f} MiB"
            sys.stderr.write(f"{before + loaded:,} facts after {said - began:,.0f} s{share}\n")
    await cockpit.app.state.cell_builder.mark()
    took, used = time.perf_counter() - began, _cpu() - cpu
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
        sizes = (await connection.execute(text(_SIZES))).one()
    sys.stderr.write(f"{loaded:,} facts loaded in {took:,.0f} s\n")
    times, count = loading.times, max(1, len(loading.times.commit))

    def spread(seconds: list[float]) -> str:
        if not seconds:
            return "–"
        return f"{percentile(seconds, 0.5) * 1000:,.0f} / {percentile(seconds, 0.99) * 1000:,.0f}"

    rows = [
        ["batches", f"{count:,}" if not done else f"{count:,}, after {done:,} of an earlier run"],
        ["cells changed by a batch, mean", f"{times.cells / count:,.0f}"],
        ["writing the facts, p50 / p99 (ms)", spread(times.facts)],
        ["reading them back and numbering persons, p50 / p99 (ms)", spread(times.prepare)],
        ["committing with the cells, p50 / p99 (ms)", spread(times.commit)],
        ["facts a second through all three", f"{loaded / took:,.0f}"],
        ["CPU of Cockpit with chDB for a million facts (s)", f"{used * 1e6 / max(1, loaded):,.1f}"],
        ["cells", f"{sizes.cells:,.0f}"],
        ["size of the cells (MiB)", f"{sizes.cell_bytes / 2**20:,.0f}"],
        ["size of the counters of persons (MiB)", f"{sizes.person_bytes / 2**20:,.0f}"],
        ["size of the numbers of persons (MiB)", f"{sizes.number_bytes / 2**20:,.0f}"],
        ["peak memory of Cockpit with chDB (MiB)", f"{_peak():,.0f}"],
    ]
    return Filled(before + loaded, rows)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
