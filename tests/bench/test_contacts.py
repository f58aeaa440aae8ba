"""`make bench-contacts` runs: a small country, for its numbers nothing is asserted."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def test_each_kind_of_request_is_measured() -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bench.contacts", "--units", "4000", "--people", "6000", "--runs", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| ([a-z0-9][^|]*) \| [\d,.]+ \| [\d,.]+ \|", done.stdout, re.MULTILINE)
    assert rows[0] == "a unit's page"
    assert len(rows) == 3 + 8 * 3 + 5 * 2
