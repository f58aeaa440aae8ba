"""What the overview shows is what was taken in, to the fen."""

import secrets
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.cockpit.tests.support.running_cockpit import NATIONAL_2017, Cockpit, award, csv_of


async def test_national_table_of_2017_is_read_back_equal_to_the_fen(cockpit: Cockpit) -> None:
    made = await cockpit.upload(
        "published_aggregate", "centre", NATIONAL_2017.read_bytes(), source="China Daily"
    )
    assert made.status_code == 201
    assert (made.json()["accepted"], made.json()["rejected"]) == (9, 0)

    overview = await cockpit.overview("centre")
    (table,) = overview["published"]
    assert table["source"] == "China Daily"
    assert table["scope"] == "资助总额,不含免费教科书和营养膳食"
    assert table["government"]["amount"] == {"yuan": "121060000000.00", "display": "1,210.6 亿元"}
    assert table["central"]["amount"]["yuan"] == "61640000000.00"
    assert table["local"]["amount"]["yuan"] == "59420000000.00"
    assert table["all_sources"]["amount"]["yuan"] == "188200000000.00"
    assert table["all_sources"]["persons"] == 95_900_000
    stages = {figure["stage"]: figure for figure in table["stages"]}
    assert {stage: figure["amount"]["yuan"] for stage, figure in stages.items()} == {
        "preschool": "8900000000.00",
        "compulsory": "17910000000.00",
        "secondary_vocational": "25750000000.00",
        "general_high": "17620000000.00",
        "higher": "50880000000.00",
    }
    assert stages["compulsory"]["persons"] == 16_050_000
    assert stages["higher"]["share_percent"] == "48.43"
    assert stages["compulsory"]["share_percent"] == "100"
    assert stages["higher"]["name"] == "普通高等教育财政资助金额"
    assert [(check["title"], check["equal"]) for check in table["checks"]] == [
        ("分学段之和=财政合计", True),
        ("中央+地方=财政", True),
    ]
    for check in table["checks"]:
        assert check["left"]["yuan"] == check["right"]["yuan"] == "121060000000.00"
    assert all(f["source"] and f["scope"] for f in [table["government"], *table["stages"]])


async def test_published_figures_are_never_added_to_awards_nor_to_those_of_the_parts(
    cockpit: Cockpit,
) -> None:
    await cockpit.upload("published_aggregate", "centre", NATIONAL_2017.read_bytes())
    await cockpit.upload("published_aggregate", "province", NATIONAL_2017.read_bytes())
    centre = await cockpit.overview("centre")
    assert centre["awards"]["amount"]["yuan"] == "0.00"
    assert [table["government"]["amount"]["yuan"] for table in centre["published"]] == ["121060000000.00"]
    assert (await cockpit.overview("county"))["published"] == []


async def test_a_check_that_does_not_hold_says_so(cockpit: Cockpit) -> None:
    text = NATIONAL_2017.read_text().replace("616.4", "616.5")
    await cockpit.upload("published_aggregate", "centre", text)
    (table,) = (await cockpit.overview("centre"))["published"]
    assert [check["equal"] for check in table["checks"]] == [True, False]


async def test_a_newer_table_of_the_same_source_and_scope_takes_the_place_of_the_older(
    cockpit: Cockpit,
) -> None:
    await cockpit.upload("published_aggregate", "centre", NATIONAL_2017.read_text().replace("1882", "1881"))
    newer = await cockpit.upload("published_aggregate", "centre", NATIONAL_2017.read_bytes())
    # Another file, if only by its last line: the very same one would be refused.
    other = NATIONAL_2017.read_bytes() + b"\n"
    await cockpit.upload("published_aggregate", "centre", other, source="另一来源")
    tables = {table["source"]: table for table in (await cockpit.overview("centre"))["published"]}
    assert set(tables) == {"测试来源", "另一来源"}
    assert tables["测试来源"]["batch_id"] == newer.json()["id"]
    assert tables["测试来源"]["all_sources"]["amount"]["yuan"] == "188200000000.00"


async def test_persons_are_counted_once_and_awards_each_time(cockpit: Cockpit) -> None:
    one, two = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    rows = [
        award(person_token=one, amount="0.01"),
        award(person_token=one, amount="0.02", stage="普通高中", funding="地方财政"),
        award(person_token=two, amount="1000.00", unit_code="3701020002"),
        award(person_token=two, amount="500", unit_code="370102"),
    ]
    await cockpit.upload("award", "county", csv_of(rows))
    overview = await cockpit.overview("county")
    awards = overview["awards"]
    assert (awards["amount"]["yuan"], awards["person_times"], awards["persons"]) == ("1500.03", 4, 2)
    assert {
        p["code"]: (p["amount"]["yuan"], p["person_times"], p["persons"]) for p in awards["by_stage"]
    } == {
        "compulsory": ("1500.01", 3, 2),
        "general_high": ("0.02", 1, 1),
    }
    assert {p["code"]: p["persons"] for p in awards["by_funding"]} == {"central": 2, "local": 1}
    assert overview["own"] == {
        "suppressed": False,
        "amount": {"yuan": "500.00", "display": "500.00 元"},
        "person_times": 1,
    }
    assert {c["code"]: (c["amount"]["yuan"], c["person_times"]) for c in overview["children"]} == {
        "3701020001": ("0.03", 2),
        "3701020002": ("1000.00", 1),
    }


async def test_a_code_that_begins_like_another_is_not_below_it(cockpit: Cockpit) -> None:
    rows = [award(unit_code="37010290001", amount="7"), award(amount="1")]
    await cockpit.upload("award", "city", csv_of(rows))
    assert (await cockpit.overview("county"))["awards"]["amount"]["yuan"] == "1.00"
    assert (await cockpit.overview("lookalike"))["awards"]["amount"]["yuan"] == "7.00"
    city = await cockpit.overview("city")
    assert {c["code"]: c["amount"]["yuan"] for c in city["children"] if c["person_times"]} == {
        "370102": "1.00",
        "3701029": "7.00",
    }


async def test_years_with_data_are_listed_for_the_subtree_only(cockpit: Cockpit) -> None:
    await cockpit.upload("published_aggregate", "centre", NATIONAL_2017.read_bytes())
    await cockpit.upload("award", "county", csv_of([award(year="2023"), award(year="2021")]))

    async def years(unit: str) -> list[int]:
        response = await cockpit.http.get("/api/v1/overview/years", headers=cockpit.bearer(unit))
        found: list[int] = response.json()["years"]
        return found

    assert await years("centre") == [2017, 2021, 2023]
    assert await years("county") == [2021, 2023]
    assert await years("sibling") == []


@dataclass(frozen=True)
class Drawn:
    unit_code: str
    stage: str
    funding: str
    person: int
    fen: int


_ROW = st.builds(
    Drawn,
    unit_code=st.sampled_from(["3701020001", "3701020002", "3701030001", "370102", "370103"]),
    stage=st.sampled_from(["preschool", "义务教育", "普通高中", "doctor"]),
    funding=st.sampled_from(["中央财政", "local", "学校", "社会", "bank"]),
    person=st.integers(0, 5),
    fen=st.integers(1, 10**10),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(_ROW, min_size=1, max_size=30))
async def test_any_awards_are_shown_as_their_plain_sums_and_gone_after_reversal(
    cockpit: Cockpit, drawn: list[Drawn]
) -> None:
    rows = [
        award(
            unit_code=row.unit_code,
            stage=row.stage,
            funding=row.funding,
            person_token=f"person-{row.person:016d}",
            amount=str(Decimal(row.fen) / 100),
        )
        for row in drawn
    ]
    made = await cockpit.upload("award", "city", csv_of(rows))
    assert made.status_code == 201
    assert made.json()["accepted"] == len(rows), made.text
    for unit, prefix in {"city": "370", "county": "370102", "sibling": "370103"}.items():
        mine = [row for row in drawn if row.unit_code.startswith(prefix)]
        overview = await cockpit.overview(unit)
        awards = overview["awards"]
        assert Decimal(awards["amount"]["yuan"]) * 100 == sum(row.fen for row in mine)
        assert awards["person_times"] == len(mine)
        assert awards["persons"] == len({row.person for row in mine})
        by_stage: dict[str, int] = defaultdict(int)
        for row in mine:
            by_stage[{"义务教育": "compulsory", "普通高中": "general_high"}.get(row.stage, row.stage)] += (
                row.fen
            )
        assert {p["code"]: Decimal(p["amount"]["yuan"]) * 100 for p in awards["by_stage"]} == by_stage
        assert sum(p["person_times"] for p in awards["by_funding"]) == len(mine)
        parts = [overview["own"], *overview["children"]]
        assert sum(Decimal(p["amount"]["yuan"]) for p in parts) == Decimal(awards["amount"]["yuan"])

    undone = await cockpit.http.post(
        f"/api/v1/intake/batches/{made.json()['id']}/reverse", headers=cockpit.bearer("city")
    )
    assert undone.json()["status"] == "reversed"
    after = (await cockpit.overview("city"))["awards"]
    assert (after["amount"]["yuan"], after["person_times"], after["persons"]) == ("0.00", 0, 0)
    assert after["by_stage"] == after["by_funding"] == []


async def test_the_tag_of_an_overview_changes_exactly_when_its_figures_do(cockpit: Cockpit) -> None:
    async def get(tag: str = "") -> tuple[int, str]:
        headers = {**cockpit.bearer("county"), **({"If-None-Match": tag} if tag else {})}
        found = await cockpit.http.get("/api/v1/overview", params={"year": 2017}, headers=headers)
        return found.status_code, found.headers["etag"]

    status, tag = await get()
    assert status == 200
    await cockpit.upload("award", "sibling", csv_of([award(unit_code="3701030001")]))
    assert await get(tag) == (304, tag)
    await cockpit.upload("award", "county", csv_of([award()]))
    status, changed = await get(tag)
    assert (status, changed != tag) == (200, True)
