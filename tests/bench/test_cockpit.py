"""Generated facts are the same for a seed, and `make bench-cockpit` runs; it fails if a figure differs."""

import asyncio
import re
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

from bench.cockpit.facts import PLANTED, awards

ROOT = Path(__file__).parents[2]


def test_generated_awards_depend_on_the_seed_only() -> None:
    first, again, other = (list(islice(awards(5_000, seed), 3_000)) for seed in (1, 1, 2))
    assert first == again != other


def test_generated_awards_are_as_many_as_asked_for_and_their_faults_are_listed() -> None:
    found = list(awards(40_000, 3, schools=2, within="37"))
    assert len(found) == 40_000
    assert len({award.record_id for award, _ in found}) == 40_000
    assert all(award.unit_code.startswith("37") and len(award.unit_code) == 10 for award, _ in found)
    planted = Counter(kind for _, kind in found if kind is not None)
    assert 0.5 < planted.total() * PLANTED / len(found) < 2
    assert set(planted) == {"above_standard", "other_person", "other_county"}


async def test_every_level_is_measured_and_equals_the_facts() -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, "-m", "bench.cockpit", "--facts", "2000", "--within", "37010"),
            *("--schools", "1", "--runs", "16"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| (centre|province|city|county|school) \|", done.stdout, re.MULTILINE)
    assert rows == ["centre", "province", "city", "county", "school"]
