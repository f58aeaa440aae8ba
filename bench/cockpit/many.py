"""The same facts in few and in many batches: `python -m bench.cockpit.many DATABASE_URL FACTS BATCHES`.

A process and databases of its own for each number of batches, so that memory and sizes are its own.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import make_url

from bench.cockpit.facts import FIRST_YEAR
from bench.cockpit.serving import served
from bench.cockpit.world import ROOT, Loading, store, units
from bench.common.statistics import percentile
from cockpit.base import MIGRATIONS
from cockpit.feeds.declarations import FeedName
from onebox.facts.feeds import Row, facts
from servicekit.migrations import upgrade
from testkit.backends.postgresql import connect

YEAR = FIRST_YEAR + 1
WITHIN, SCHOOLS = "3701", 10


def parts(rows: list[tuple[str, Row]], count: int) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows in about so many batches, each of one place."""
    size = max(1, len(rows) // count)
    held: list[Row] = []
    place = ""
    for code, row in rows:
        if held and (code != place or len(held) == size):
            yield place, held
            held = []
        place = code
        held.append(row)
    if held:
        yield place, held


async def measure(url: str, count: int, batches: int) -> dict[str, Any]:
    """Load awards of one city in so many batches, and ask for its overview."""
    await upgrade(MIGRATIONS, url)
    rows = [(one.place, one.row) for one in facts(count, 1, SCHOOLS, WITHIN) if one.feed is FeedName.AWARD]
    with tempfile.TemporaryDirectory(prefix="zhuxue-bench-") as folder:
        async with served(url, folder) as cockpit:
            world = {
                code: unit for code, unit in units(SCHOOLS).items() if code == ROOT or code.startswith("37")
            }
            await store(cockpit.app.state.database, world)
            state = cockpit.app.state
            loading = Loading(state.database, state.analytics, state.cell_builder, world)
            began, cpu = time.perf_counter(), _cpu()
            made = 0
            for place, part in parts(rows, batches):
                await loading.load(FeedName.AWARD, place, part)
                made += 1
            await state.cell_builder.mark()
            took, used = time.perf_counter() - began, _cpu() - cpu
            headers = cockpit.bearer(world["370100"])
            times = []
            for _ in range(50):
                started = time.perf_counter()
                answer = await cockpit.http.get("/api/v1/overview", params={"year": YEAR}, headers=headers)
                times.append((time.perf_counter() - started) * 1000)
                answer.raise_for_status()
    return {
        "batches": made,
        "facts": len(rows),
        "seconds": took,
        "cpu": used,
        "commit": percentile(loading.times.commit, 0.99) * 1000,
        "view": percentile(times, 0.99),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "persons": answer.json()["awards"]["persons"],
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


COLUMNS = (
    "the same awards in",
    "facts a second",
    "CPU for a million facts (s)",
    "commit p99 (ms)",
    "overview p99 (ms)",
    "peak memory (MiB)",
)


async def compare(url: str, count: int, numbers: list[int]) -> list[list[str]]:
    """Return a line for each number of batches. Raises AssertionError if they do not count the same."""
    found: list[dict[str, Any]] = []
    for number in numbers:
        name = f"bench_batches_{number}"
        connection = await connect(url)
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name}")
        own = make_url(url).set(database=name).render_as_string(hide_password=False)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.cockpit.many", own, str(count), str(number)),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        if process.returncode:
            raise SystemExit(f"{number} batches: {process.returncode}")
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.close()
        found.append(json.loads(out))
        sys.stderr.write(f"{found[-1]}\n")
    assert len({one["persons"] for one in found}) == 1, found
    return [
        [
            f"{one['batches']:,} batches of {one['facts'] / one['batches']:,.0f}",
            f"{one['facts'] / one['seconds']:,.0f}",
            f"{one['cpu'] * 1e6 / one['facts']:,.0f}",
            f"{one['commit']:,.0f}",
            f"{one['view']:,.1f}",
            f"{one['memory']:,.0f}",
        ]
        for one in found
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
