"""The dictionary of metrics, and a worked example of each through intake and API."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cockpit.feeds.declarations import FeedName
from cockpit.metrics.catalogue import COMPARISONS, MetricName, Module
from cockpit.metrics.declarations import METRICS
from cockpit.metrics.document import document
from cockpit.metrics.examples import COMPARED, EXAMPLES, Example
from services.cockpit.tests.support.figures import add_units, ask, numbered, send
from services.cockpit.tests.support.running_cockpit import Cockpit, World

DOCUMENT = Path(__file__).parents[3] / "docs/metrics.md"
_GROUPS = "甲乙丙丁"


def _rows(county: str, example: Example) -> Iterator[tuple[FeedName, Mapping[str, str]]]:
    for sample in example.rows:
        for person in range(sample.persons):
            token = f"{county}x{_GROUPS.find(sample.group)}x{person:08d}"
            # A flow of money is received by the county, persons are at its school.
            unit = county if sample.feed is FeedName.FUND_FLOW else f"{county}0001"
            if sample.fields.get("to_level") == "学校":
                unit = f"{county}0001"
            yield sample.feed, {"unit_code": unit, "person_token": token, **sample.fields}


def test_every_metric_and_comparison_has_an_example() -> None:
    computed = {metric.name for metric in METRICS.values() if metric.expression is not None}
    assert [example.metric for example in EXAMPLES] == [name for name in METRICS if name in computed]
    assert {example.comparison for example in COMPARED} == set(COMPARISONS)
    assert set(METRICS) == set(MetricName)


async def test_the_worked_examples_are_what_the_api_answers(cockpit: Cockpit) -> None:
    world = World(places=dict(cockpit.world.places))
    world.add("examples", "379900", "province", "city")
    examples = [*EXAMPLES, *COMPARED]
    samples: list[tuple[FeedName, Mapping[str, str]]] = []
    for number, example in enumerate(examples, 1):
        code = f"3799{number:02d}"
        world.add(code, code, "examples", "county")
        world.add(f"{code}0001", f"{code}0001", code, "school", "school")
        samples += _rows(code, example)
    await add_units(cockpit, world)
    await send(cockpit, numbered(samples))

    found: dict[str, str | None] = {}
    for number, example in enumerate(examples, 1):
        place = world[f"3799{number:02d}"]
        by = example.by or {}
        answer = await ask(
            cockpit,
            metrics=[example.metric],
            comparisons=[] if example.comparison is None else [example.comparison],
            dimensions=list(by),
            unit=str(place.id),
            calendar=example.calendar,
            periods=[*example.before, example.period],
        )
        (row,) = (
            row for row in answer["rows"] if row["period"] == example.period and row["values"] == {**by}
        )
        found[f"{example.metric} {example.comparison or ''}"] = row["figures"][-1]["value"]
    assert found == {f"{one.metric} {one.comparison or ''}": one.value for one in examples}


async def test_the_dictionary_is_searched_by_module_and_words(cockpit: Cockpit) -> None:
    async def names(**params: str) -> list[str]:
        response = await cockpit.http.get("/api/v1/metrics", params=params, headers=cockpit.bearer())
        assert response.status_code == 200, response.text
        return [entry["name"] for entry in response.json()]

    assert await names() == [name.value for name in METRICS]
    for module in Module:
        assert await names(module=module) == [
            metric.name for metric in METRICS.values() if metric.module is module
        ]
    assert await names(q="应助 ÷") == ["full_aid_rate"]
    assert await names(q="AID_PER", module="students") == ["aid_per_person", "aid_per_time"]
    assert await names(q="没有这个词") == []


async def test_an_entry_says_what_it_can_be_asked_by(cockpit: Cockpit) -> None:
    entries: list[dict[str, Any]] = (
        await cockpit.http.get("/api/v1/metrics", headers=cockpit.bearer())
    ).json()
    coverage = next(entry for entry in entries if entry["name"] == "coverage")
    assert coverage["unit"] == "%"
    assert coverage["feeds"] == ["award", "enrolment"]
    assert coverage["offered"] == [
        {
            "calendar": "school_year",
            "groupings": [["stage"], ["sector"]],
            "schools": False,
            "comparisons": ["year_on_year"],
        }
    ]
    assert coverage["example"]["value"] == "41.67"
    comparisons = await cockpit.http.get("/api/v1/metrics/comparisons", headers=cockpit.bearer())
    assert [one["chinese"] for one in comparisons.json()] == ["同比", "环比", "累计", "占比"]


def test_the_document_is_current_and_has_every_metric_with_its_example() -> None:
    text = document()
    assert DOCUMENT.read_text(encoding="utf-8") == text, "run make snapshots"
    for metric in METRICS.values():
        assert f"### {metric.chinese} (`{metric.name}`)" in text
    assert text.count("- 算例：") == len(EXAMPLES) + len(COMPARED)
