"""`make bench-tasks` runs: a small country, for its numbers nothing is asserted."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from testkit.plugin import DatabaseFactory

ROOT = Path(__file__).parents[2]


async def test_lists_and_live_updates_are_measured(database_factory: DatabaseFactory) -> None:
    url = await database_factory("bench-tasks")
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, "-m", "bench.tasks", "--units", "600", "--runs", "2"),
            *("--browsers", "20", "--rest", "2"),
        ],
        cwd=ROOT,
        env={**os.environ, "BENCH_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(re.findall(r"^\| [^|]+ \| [\d.]+ \| [\d.]+ \|$", done.stdout, re.MULTILINE)) == 5
    assert "| browsers connected | 20 |" in done.stdout
