"""Generated facts are the same for a seed, and `make bench-cockpit` runs; it fails if a figure differs."""

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.cockpit.facts import PLANTED, awards
from cockpit.feeds.declarations import FEEDS, FeedName
from cockpit.feeds.judging import judge
from onebox.facts.feeds import ROWS, facts
from testkit.plugin import DatabaseFactory

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


def test_generated_facts_of_all_feeds_are_valid_and_agree_with_each_other() -> None:
    made = list(facts(1_500, 5, 1, "3701"))
    by_feed: dict[FeedName, list[Any]] = {feed: [] for feed in ROWS}
    for one in made:
        by_feed[one.feed].append(one)
    for feed, rows in by_feed.items():
        declared, fields = FEEDS[feed], ROWS[feed]._fields
        texts = {
            column.name: pa.array(
                [str(getattr(one.row, column.name)) if column.name in fields else "" for one in rows]
            )
            for column in declared.columns
        }
        assert rows
        assert judge(declared, texts).errors == {}
        keys = {tuple(getattr(one.row, name) for name in declared.key) for one in rows}
        assert len(keys) == len(rows)
    awards_ = {one.row.record_id: one for one in by_feed[FeedName.AWARD]}
    enrolled = {one.row.person_token for one in by_feed[FeedName.ENROLMENT]}
    for one in by_feed[FeedName.PAYMENT]:
        assert awards_[one.row.award_record_id].row.amount == one.row.amount
    assert all(one.planted or one.row.person_token in enrolled for one in awards_.values())


async def test_every_level_is_measured_and_equals_the_facts(database_factory: DatabaseFactory) -> None:
    url = await database_factory("bench-cockpit")
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, "-m", "bench.cockpit", "--facts", "600", "--within", "370102"),
            *("--schools", "1", "--runs", "16", "--batches", ""),
        ],
        cwd=ROOT,
        env={**os.environ, "BENCH_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| (centre|province|city|county|school) \|", done.stdout, re.MULTILINE)
    assert rows == ["centre", "province", "city", "county", "school"]
    pages = re.findall(r"^\| (award|enrolment|hardship|payment|fund_flow|loan) \|", done.stdout, re.MULTILINE)
    assert len(pages) == 6
