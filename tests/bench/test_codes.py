"""`make bench-codes` runs: a few pairs, for its numbers nothing is asserted."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def test_known_and_unknown_numbers_are_measured_in_pairs() -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bench.codes", "--pairs", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| ([a-z][^|]*) \| [\d,.]+ \| [\d,.]+ \| [\d.]+% \|", done.stdout, re.MULTILINE)
    assert len(rows) == 5
