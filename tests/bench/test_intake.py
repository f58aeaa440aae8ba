"""`make bench-intake` runs: a few rows, for its numbers nothing is asserted except that no row is lost."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from testkit.plugin import DatabaseFactory

ROOT = Path(__file__).parents[2]


async def test_formats_and_parts_are_measured(database_factory: DatabaseFactory) -> None:
    url = await database_factory("bench-intake")
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, "-m", "bench.intake", "--rows", "500", "--schools", "1"),
            *("--formats", "gb18030", "parquet", "--parts", "500"),
        ],
        cwd=ROOT,
        env={**os.environ, "BENCH_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| ([^|]+) \| 500 \|", done.stdout, re.MULTILINE)
    assert rows == ["CSV, GB18030", "Parquet", "CSV, UTF-8, in parts of 8 MiB"]
