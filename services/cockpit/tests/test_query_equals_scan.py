"""Random questions over the API equal a computation over the input files (`make test-long`: 10⁶ facts)."""

import os
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from math import floor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cockpit.cells.dimensions import Calendar, Dimension
from cockpit.metrics import offering
from cockpit.metrics.catalogue import MetricName
from cockpit.metrics.declarations import METRICS
from cockpit.metrics.periods import Comparison
from services.cockpit.tests.support.figures import ask
from services.cockpit.tests.support.national import YEARS, facts, national_world, write
from services.cockpit.tests.support.running_cockpit import Cockpit, World
from services.cockpit.tests.support.scan import Key, Scan, expected

FACTS = int(os.environ.get("COCKPIT_FACTS", "10000"))
QUERIES = int(os.environ.get("COCKPIT_QUERIES", "40"))
LINES = 50_000
"""Rows of one upload."""

COMPUTED = [metric for metric in METRICS.values() if metric.expression is not None]
PERIODS = {
    Calendar.YEAR: [str(year) for year in YEARS],
    Calendar.SCHOOL_YEAR: [str(year) for year in YEARS],
    Calendar.TERM: [f"{year}-{term}" for year in YEARS for term in ("spring", "autumn", "year")],
    Calendar.MONTH: [f"{year}-{month:02d}" for year in YEARS for month in (1, 2, 8, 9, 12)],
}


@dataclass(repr=False)
class Loaded:
    """A cockpit that has taken in some files, and the same files in DuckDB."""

    cockpit: Cockpit
    scan: Scan


@pytest.fixture
def world() -> World:
    return national_world()


@pytest.fixture
def upload_limit() -> int:
    return 64 * 1024 * 1024


@pytest.fixture
async def loaded(cockpit: Cockpit, tmp_path: Path) -> Loaded:
    paths = write(facts(cockpit.world, FACTS, seed=1), tmp_path)
    for feed, path in paths.items():
        with path.open(encoding="utf-8") as lines:
            heading = next(lines)
            while part := list(islice(lines, LINES)):
                made = await cockpit.upload(feed.value, "centre", heading + "".join(part))
                assert made.status_code == 201, made.text
                assert made.json()["accepted"] == len(part), made.text
    return Loaded(cockpit, Scan(paths, cockpit.world))


@st.composite
def questions(draw: st.DrawFn, world: World) -> tuple[str, dict[str, Any]]:
    """Draw a question that is offered, and who asks it."""
    calendar = draw(st.sampled_from(Calendar))
    offered = [metric for metric in COMPUTED if calendar in offering.calendars(metric)]
    first = draw(st.sampled_from(offered))
    by = draw(st.sampled_from([[], *offering.groupings(first, calendar)]))
    limits = [
        one for one in Dimension if one not in by and offering.offers(first, calendar, frozenset([*by, one]))
    ]
    limit = draw(st.none() | st.sampled_from(limits)) if limits else None
    asked = frozenset([*by, *([] if limit is None else [limit])])
    fitting = [metric for metric in offered if offering.offers(metric, calendar, asked)]
    metrics = draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=3, unique_by=lambda one: one.name))
    single = any(map(offering.counts_persons, metrics))
    filters = {}
    if limit is not None:
        values = st.lists(st.sampled_from(list(offering.WORDS[limit])), min_size=1, max_size=3, unique=True)
        filters[limit.value] = draw(values)[: 1 if single else 3]
    comparisons = [
        one
        for one in Comparison
        if all(one in offering.comparisons(metric, calendar) for metric in metrics)
        and (by or one is not Comparison.SHARE)
    ]
    offices = [place for place in world.places.values() if place.level != "school"]
    place = draw(st.sampled_from(offices))
    tree = draw(st.sampled_from(["authority", "authority", "territory"]))
    if tree == "territory" and place.code in ("660000", "100000"):
        place = world["centre"]
    names = {one.code: name for name, one in world.places.items()}
    where = (
        {"unit": str(place.id)}
        if tree == "authority"
        else {"region": "000000" if place.level == "ministry" else place.code}
    )
    return draw(st.sampled_from(["centre", names[place.code]])), {
        "metrics": [metric.name.value for metric in metrics],
        "comparisons": draw(st.lists(st.sampled_from(comparisons), unique=True)) if comparisons else [],
        "dimensions": [one.value for one in by],
        "filters": filters,
        "tree": tree,
        **where,
        "rows": draw(st.sampled_from(["own", "children", "both"])),
        "calendar": calendar.value,
        "periods": draw(st.lists(st.sampled_from(PERIODS[calendar]), min_size=1, max_size=3, unique=True)),
    }


@settings(
    max_examples=QUERIES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
async def test_random_questions_are_answered_as_by_a_scan_of_the_files(
    loaded: Loaded, data: st.DataObject
) -> None:
    cockpit = loaded.cockpit
    by, question = data.draw(questions(cockpit.world))
    answer = await ask(cockpit, by, **question)
    question["dimensions"].sort()
    check = _Check(loaded, question)
    schools = {place["code"] for place in answer["places"] if place["level"] == "school"}
    columns = [(column["metric"], column["comparison"]) for column in answer["columns"]]
    found: set[Key] = set()
    for row in answer["rows"]:
        key = (row["place"], row["period"], tuple(row["values"][one] for one in question["dimensions"]))
        found.add(key)
        for (metric, comparison), figure in zip(columns, row["figures"], strict=True):
            if figure["suppressed"] or (figure["absent"] == "not_kept" and key[0] in schools):
                continue
            assert figure["value"] == check.written(metric, comparison, key), (metric, comparison, key)
    places = {place["code"] for place in answer["places"]}
    assert {key for key in found if key[0] not in schools} == check.keys(places - schools)
    own = question.get("region") or next(
        one.code for one in cockpit.world.places.values() if str(one.id) == question.get("unit")
    )
    below = set(loaded.scan.children(question["tree"], own)) if question["rows"] != "own" else set()
    assert places - {own} >= below
    assert (own in places) == (question["rows"] != "children")


class _Check:
    """What the answer to one question must be."""

    def __init__(self, loaded: Loaded, question: dict[str, Any]) -> None:
        self._question = question
        self._expected = {name: expected(loaded.scan, question, name) for name in question["metrics"]}

    def keys(self, places: set[str]) -> set[Key]:
        """Return the lines that offices must have."""
        periods = set(self._question["periods"])
        if not self._question["dimensions"]:
            return {(place, period, ()) for place in places for period in periods}
        return {
            key
            for _, keys in self._expected.values()
            for key in keys
            if key[0] in places and key[1] in periods
        }

    def written(self, metric: str, comparison: str | None, key: Key) -> str | None:
        """Return the text of a figure, None if it has no value."""
        unit = METRICS[MetricName(metric)].unit
        value = self._expected[metric][0](key)
        decimals = 0 if unit.value in ("persons", "times", "loans") else 2
        if comparison in ("year_on_year", "previous_period"):
            decimals = 2
            other = _before(key[1], comparison)
            then = None if other is None else self._expected[metric][0]((key[0], other, key[2]))
            if unit.value == "percent":
                value = None if value is None or then is None else value - then
            else:
                value = None if value is None or then is None or then <= 0 else (value - then) / then * 100
        elif comparison == "cumulative":
            until = [period for period in self._question["periods"] if _order(period) <= _order(key[1])]
            values = [self._expected[metric][0]((key[0], period, key[2])) for period in until]
            given = [one for one in values if one is not None]
            value = sum(given, Fraction(0)) if given else None
        elif comparison == "share":
            decimals = 2
            keys = {one for _, keys in self._expected.values() for one in keys if one[:2] == key[:2]}
            whole = sum((self._expected[metric][0](one) or Fraction(0) for one in keys), Fraction(0))
            value = None if value is None or not whole else value / whole * 100
        return None if value is None else _rounded(value, decimals)


def _before(period: str, comparison: str) -> str | None:
    year, _, part = period.partition("-")
    if comparison == "year_on_year":
        return f"{int(year) - 1}-{part}" if part else f"{int(year) - 1}"
    if part.isdigit():
        return f"{int(year) - 1}-12" if part == "01" else f"{year}-{int(part) - 1:02d}"
    return {"spring": f"{int(year) - 1}-autumn", "autumn": f"{year}-spring"}.get(part)


def _order(period: str) -> tuple[str, int]:
    year, _, part = period.partition("-")
    return year, {"": 0, "spring": 1, "autumn": 2, "year": 3}.get(part) or int(part or 0)


def _rounded(value: Fraction, decimals: int) -> str:
    whole = floor(abs(value) * 10**decimals + Fraction(1, 2))
    sign = "-" if value < 0 and whole else ""
    return f"{sign}{Decimal(whole).scaleb(-decimals):f}"
