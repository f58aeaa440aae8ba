"""Kill Cockpit with `kill -9` at random moments of intake, start it again, and compare cells with facts.

    .venv/bin/python -m bench.cockpit.kill --kills 20

Each process first checks what the one before left: every batch must be wholly in or wholly out, in the cells
as in the facts, and nothing may remain of what does not count. Then it uploads and withdraws batches until it
is killed.
"""

import argparse
import asyncio
import csv
import io
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence

from sqlalchemy import func, select

from bench.cockpit.facts import FIRST_YEAR, YEARS
from bench.cockpit.serving import Served, served
from bench.cockpit.world import ROOT, store, units
from bench.common.servers import on_server
from cockpit.base import MIGRATIONS
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.models import Cell, CellCombination, CellNode
from cockpit.cells.rules import Tree
from cockpit.cells.verifying import Verifier
from cockpit.feeds.declarations import FeedName
from cockpit.models import Batch, Unit
from contracts.intake import BatchStatus
from onebox.facts.feeds import Row, facts
from servicekit.db import Database
from servicekit.migrations import upgrade

READY = b"ready\n"
PLACES = (
    *((Tree.AUTHORITY, code) for code in (ROOT, "370000", "370102", "370103")),
    (Tree.TERRITORY, "370100"),
)


async def check(cockpit: Served, places: Sequence[tuple[Tree, str]] = PLACES) -> str:
    """Return what counts. Raises AssertionError if batches, cells of the places, and facts differ."""
    database: Database = cockpit.app.state.database
    verifier: Verifier = cockpit.app.state.cell_verifier
    compared = 0
    for feed in CELL_FEEDS:
        for tree, code in places:
            for year in range(FIRST_YEAR, FIRST_YEAR + YEARS):
                for verdict in await verifier.code(feed, code, year, tree):
                    assert verdict.settled, verdict
                    assert not verdict.differences, verdict.differences
                    compared += verdict.compared
    async with database.transaction() as session:
        rows = await session.execute(
            select(Batch.status, func.count(), func.sum(Batch.accepted)).group_by(Batch.status)
        )
        batches = {row[0]: (row[1], int(row[2])) for row in rows}
        # Each fact counts in one undivided cell of the centre, in the calendar that its feed has.
        shown = await session.scalar(
            select(func.sum(Cell.times))
            .join(CellNode, CellNode.id == Cell.node_id)
            .join(CellCombination, CellCombination.id == Cell.combination_id)
            .where(CellNode.code == ROOT, CellCombination.dimensions == "")
            .where(
                (Cell.calendar == "year")
                | ((Cell.calendar == "school_year") & CellCombination.feed.in_(("enrolment", "hardship")))
            )
        )
    assert not batches.get(BatchStatus.RECEIVING), batches
    committed, reversed_ = (
        batches.get(status, (0, 0)) for status in (BatchStatus.COMMITTED, BatchStatus.REVERSED)
    )
    assert (shown or 0) == committed[1], (shown, batches)
    stored = 0
    for declared in CELL_FEEDS.values():
        found = await cockpit.app.state.analytics.query(f"SELECT count() AS n FROM {declared.table}")  # noqa: S608 - a constant table name
        stored += found[0]["n"]
    assert stored == committed[1] + 2 * reversed_[1], (stored, batches)
    return f"{committed[0]} batches, {committed[1]:,} facts, {reversed_[0]} withdrawn, {compared} cells equal"


async def work(cockpit: Served, centre: Unit, seed: int) -> None:
    """Upload and withdraw batches without end."""
    chance = random.Random(seed)
    headers = cockpit.bearer(centre)
    generated: dict[FeedName, list[Row]] = {}
    for one in facts(10_000, seed, within="3701"):
        generated.setdefault(one.feed, []).append(one.row)
    for number in range(1_000_000):
        feed = chance.choice(list(generated))
        rows = chance.sample(generated[feed], chance.randrange(1, min(3_000, len(generated[feed]))))
        made = await cockpit.http.post(
            "/api/v1/intake/batches",
            params={"feed": feed.value, "unit": str(centre.id), "source": "bench"},
            content=_file(rows),
            headers={
                **headers,
                "Content-Type": "text/csv; charset=utf-8",
                "Idempotency-Key": f"kill-{seed}-{number}",
            },
        )
        assert made.status_code == 201, made.text
        if chance.random() < 0.3:
            undone = await cockpit.http.post(f"{made.headers['location']}/reverse", headers=headers)
            assert undone.status_code == 200, undone.text


def _file(rows: Sequence[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(rows[0]._fields)
    writer.writerows(rows)
    return out.getvalue().encode()


async def child(url: str, folder: str, seed: int) -> None:
    """Check, say so, and work until killed; only check with seed 0."""
    async with served(url, folder) as cockpit:
        sys.stdout.write(f"{await check(cockpit)}\n")
        sys.stdout.write(READY.decode())
        sys.stdout.flush()
        if seed:
            async with cockpit.app.state.database.transaction() as session:
                centre = (await session.scalars(select(Unit).where(Unit.code == ROOT))).one()
            await work(cockpit, centre, seed)


async def main(given: argparse.Namespace, url: str) -> None:
    """Kill one process after the other."""
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    await store(database, units(0))
    await database.close()
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="zhuxue-bench-")
    try:
        for seed in [*range(1, given.kills + 1), 0]:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.cockpit.kill", "--child", url, folder, str(seed)),
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            said = (await process.stdout.readline()).decode().strip()
            if await process.stdout.readline() != READY:
                raise SystemExit(f"kill {seed - 1}: {said}")
            sys.stdout.write(f"after {(seed or given.kills + 1) - 1} kills: {said}\n")
            sys.stdout.flush()
            if seed:
                await asyncio.sleep(random.Random(seed).uniform(0.2, given.seconds))
                process.kill()
            await process.wait()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.cockpit.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=8.0, help="longest time until a kill (8)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        asyncio.run(child(options.child[0], options.child[1], int(options.child[2])))
    else:
        on_server(lambda url: main(options, url))
