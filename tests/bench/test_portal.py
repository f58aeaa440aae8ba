"""`make bench-portal` runs: few facts and one run of each page, for its numbers nothing is asserted."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from testkit.plugin import DatabaseFactory

ROOT = Path(__file__).parents[2]


async def test_first_views_and_changes_of_pages_are_measured(
    database_factory: DatabaseFactory, chromium_program: Path
) -> None:
    url = await database_factory("bench-portal")
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, "-m", "bench.portal", "--runs", "1"),
            *("--facts", "300", "--within", "370102", "--schools", "1"),
        ],
        cwd=ROOT,
        env={**os.environ, "BENCH_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(re.findall(r"^\| (?:sign-in|home).*\d \|$", done.stdout, re.MULTILINE)) == 6
    assert len(re.findall(r"^\| (?:another module|a place below).*\d \|$", done.stdout, re.MULTILINE)) == 6
