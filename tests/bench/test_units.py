"""`make bench-units` runs: a small country, for its numbers nothing is asserted."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
async def test_each_step_of_imports_and_exports_is_measured_and_a_killed_worker_changes_nothing() -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bench.units", "--units", "9000", "--kill", "--heartbeat", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| ([a-z][^|]*) \| ([\d,]+) \| [\d,.]+ \|", done.stdout, re.MULTILINE)
    assert [name for name, _ in rows][:3] == [
        "check an Excel workbook: all new",
        "check a CSV file, killed half-way: all new",
        "apply the CSV file, killed half-way",
    ]
    assert {count for _, count in rows[:3]} == {"8,999"}
