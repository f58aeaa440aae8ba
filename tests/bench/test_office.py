"""`make bench-office` runs: a small country, for its numbers nothing is asserted."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from testkit.plugin import DatabaseFactory

ROOT = Path(__file__).parents[2]
MORNING = ["--rate", "5", "--seconds", "4"]


async def test_each_stage_of_a_notice_is_measured_for_each_scope(database_factory: DatabaseFactory) -> None:
    url = await database_factory("bench-office")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bench.office", "--units", "600", "--runs", "1", "--notices", "3", *MORNING],
        cwd=ROOT,
        env={**os.environ, "BENCH_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| ([a-z0-9][^|]*) \| (\w+) \| [\d,.]+ \(", done.stdout, re.MULTILINE)
    assert len(rows) == 4 * 4
    assert rows[0] == ("published", "ministry")
