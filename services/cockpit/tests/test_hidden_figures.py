"""Figures about few persons are hidden above the county, and with them what would give them back."""

from typing import Any

import httpx
import pytest

from cockpit.disclosure.service import Disclosure
from cockpit.settings import Settings
from services.cockpit.tests.support.figures import ask
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of, move


@pytest.fixture
def hide_small_cells() -> bool:
    return True


async def given(cockpit: Cockpit, unit: str, school: str, persons: int, **changes: str) -> None:
    rows = [award(unit_code=cockpit.world[school].code, **changes) for _ in range(persons)]
    made = await cockpit.upload("award", unit, csv_of(rows))
    assert made.json()["accepted"] == persons, made.text


def children(overview: dict[str, Any]) -> dict[str, int | None]:
    return {child["code"]: child["persons"] for child in overview["children"]}


async def test_a_county_of_few_persons_and_the_one_that_would_give_it_back_are_hidden(
    cockpit: Cockpit,
) -> None:
    await given(cockpit, "county", "school", 3)
    await given(cockpit, "sibling", "sibling_school", 30)
    await given(cockpit, "lookalike", "lookalike_school", 50)
    city = await cockpit.overview("city")
    assert (city["awards"]["persons"], city["awards"]["suppressed"]) == (83, False)
    assert children(city) == {"370102": None, "370103": None, "3701029": 50, "370102Y": 0}
    hidden = [child for child in city["children"] if child["suppressed"]]
    assert all(child["amount"] is child["person_times"] is None for child in hidden)
    # Whoever drills down, or begins higher up, learns no more.
    for who in ("city", "province", "centre"):
        for place in ("county", "sibling", "school", "sibling_school"):
            below = await cockpit.overview(place, by=who)
            assert below["awards"]["suppressed"], (who, place)
            assert below["awards"]["amount"] is None
            assert all(part["suppressed"] for part in below["awards"]["by_stage"])
    assert children(await cockpit.overview("city", by="centre")) == children(city)


async def test_the_county_in_charge_sees_its_own_figures(cockpit: Cockpit) -> None:
    await given(cockpit, "county", "school", 3)
    await given(cockpit, "sibling", "sibling_school", 30)
    own = await cockpit.overview("county")
    assert (own["awards"]["persons"], own["awards"]["amount"]["yuan"]) == (3, "1875.00")
    assert children(own)["3701020001"] == 3


async def test_a_value_of_few_persons_is_hidden_with_another_one(cockpit: Cockpit) -> None:
    await given(cockpit, "county", "school", 40)
    await given(cockpit, "county", "school", 20, funding="地方财政")
    await given(cockpit, "county", "school", 2, funding="社会")
    province = (await cockpit.overview("province"))["awards"]
    assert province["persons"] == 62
    persons = {part["code"]: part["persons"] for part in province["by_funding"]}
    assert sorted(persons.values(), key=str) == [40, None, None]


async def test_new_figures_are_judged_anew(cockpit: Cockpit) -> None:
    await given(cockpit, "county", "school", 3)
    await given(cockpit, "sibling", "sibling_school", 30)
    assert children(await cockpit.overview("city"))["370102"] is None
    await given(cockpit, "county", "school", 7)
    assert children(await cockpit.overview("city"))["370102"] == 10


async def test_what_a_county_received_before_it_moved_stays_hidden_there(cockpit: Cockpit) -> None:
    await given(cockpit, "county", "school", 3)
    await given(cockpit, "sibling", "sibling_school", 30)
    await given(cockpit, "lookalike", "lookalike_school", 50)
    await move(cockpit, "county", "province")
    assert children(await cockpit.overview("city", by="centre"))["370102"] is None
    assert children(await cockpit.overview("city"))["370102"] is None


async def test_counts_of_what_does_not_agree_tell_no_more_than_figures(cockpit: Cockpit) -> None:
    await given(cockpit, "county", "school", 3)
    await given(cockpit, "sibling", "sibling_school", 30)
    await given(cockpit, "lookalike", "lookalike_school", 50)

    async def get(path: str, by: str, **params: Any) -> httpx.Response:
        return await cockpit.http.get(f"/api/v1/intake/{path}", params=params, headers=cockpit.bearer(by))

    # None of the persons is enrolled, so that the counts are those of all awards.
    for who, counts in (
        ("city", [("370102", None), ("3701029", 50), ("370103", None)]),
        ("county", [("3701020001", 3)]),
    ):
        answer = (await get("inconsistencies", who, year=2017)).json()
        assert [(one["unit_code"], one["rows"]) for one in answer["items"]] == counts
        assert answer["rows"] == sum(count or 0 for _, count in counts)
    file = await get("inconsistencies.csv", "city", year=2017)
    assert [line.rsplit(",", 1)[1] for line in file.text.split()[1:]] == ["*", "50", "*"]
    # The rows of a batch would tell all of it: they are for whoever has sent them.
    batches = (await get("batches", "city")).json()["items"]
    sent = next(one["id"] for one in batches if one["accepted"] == 30)
    rows = f"batches/{sent}/inconsistencies", {"check": "award_without_enrolment"}
    assert (await get(rows[0], "city", **rows[1])).json()["code"] == "county_required"
    assert (await get(rows[0], "sibling", **rows[1])).json()["total"]["count"] == 30


async def asked(cockpit: Cockpit, **question: Any) -> dict[tuple[str, ...], str]:
    """What the city is shown of persons: by place, period and values."""
    answer = await ask(cockpit, "city", metrics=["aid_persons"], **{"periods": ["2017"], **question})
    return {
        (row["place"], row["period"], *row["values"].values()): row["figures"][0]["display"]
        for row in answer["rows"]
    }


async def test_sectors_and_stages_together_do_not_show_what_stages_hide(cockpit: Cockpit) -> None:
    await given(cockpit, "county", "school", 40)
    await given(cockpit, "county", "school", 3, stage="普通高中")
    await given(cockpit, "county", "school", 2, stage="中等职业教育")
    for stage in ("义务教育", "普通高中", "中等职业教育"):
        await given(cockpit, "sibling", "sibling_school", 50, stage=stage)
        await given(cockpit, "lookalike", "lookalike_school", 60, stage=stage)
    for place in ("county", "school"):
        unit = str(cockpit.world[place].id)
        code = cockpit.world[place].code
        stages = await asked(cockpit, unit=unit, dimensions=["stage"])
        assert stages[code, "2017", "general_high"] == "*"
        for sector in ("basic", "vocational"):
            within = await asked(cockpit, unit=unit, dimensions=["stage"], filters={"sector": [sector]})
            assert within.items() <= stages.items(), sector
        # A school has no cells of sectors: they are added up from its stages.
        sectors = await asked(cockpit, unit=unit, dimensions=["sector"])
        assert sectors[code, "2017", "vocational"] == "*", place


async def test_what_a_hidden_column_lacks_is_hidden_too(cockpit: Cockpit) -> None:
    await given(cockpit, "county", "school", 3)
    await given(cockpit, "sibling", "sibling_school", 30)
    county = str(cockpit.world["county"].id)
    below = await asked(cockpit, unit=county, rows="both")
    assert (len(below), set(below.values())) == (3, {"*"})
    terms = await asked(cockpit, unit=county, calendar="term", periods=["2017-spring", "2017-autumn"])
    assert (len(terms), set(terms.values())) == (2, {"*"})
    by_stage = await asked(cockpit, unit=county, rows="children", dimensions=["stage"])
    assert len(by_stage) > 1
    assert set(by_stage.values()) == {"*"}


async def test_figures_and_what_is_hidden_of_them_are_of_one_moment(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given(cockpit, "county", "school", 3)
    await given(cockpit, "sibling", "sibling_school", 30)
    decide = Disclosure.hidden

    async def after_a_batch(self: Disclosure, *asked: Any) -> list[list[bool]]:
        monkeypatch.setattr(Disclosure, "hidden", decide)
        await given(cockpit, "county", "school", 7)
        return await decide(self, *asked)

    monkeypatch.setattr(Disclosure, "hidden", after_a_batch)
    unit = str(cockpit.world["county"].id)
    assert await asked(cockpit, unit=unit) == {("370102", "2017"): "*"}
    assert await asked(cockpit, unit=unit) == {("370102", "2017"): "10 人"}


def test_small_figures_can_be_shown_in_dev_mode_only() -> None:
    with pytest.raises(ValueError, match="hide_small_cells"):
        Settings.model_validate({"mode": "production", "hide_small_cells": False})
