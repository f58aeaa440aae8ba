"""The views of the four modules, their agreement with queries, their tags, and who may see them."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from cockpit.access.models import AccessRefusal
from cockpit.directory.models import Unit
from cockpit.feeds.declarations import FeedName
from cockpit.views.service import Views
from services.cockpit.tests.support.figures import ask, numbered, send
from services.cockpit.tests.support.national import facts, national_world
from services.cockpit.tests.support.running_cockpit import Cockpit, World, withdraw

MODULES = ("overview", "hardship", "students", "funds")


@pytest.fixture
def world() -> World:
    return national_world()


async def get(cockpit: Cockpit, module: str, by: str = "centre", **params: str) -> httpx.Response:
    return await cockpit.http.get(f"/api/v1/views/{module}", params=params, headers=cockpit.bearer(by))


async def view(cockpit: Cockpit, module: str, by: str = "centre", **params: str) -> dict[str, Any]:
    response = await get(cockpit, module, by, **params)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def awards(school: str, people: range, amount: str, **fields: str) -> list[tuple[FeedName, dict[str, str]]]:
    return [
        (
            FeedName.AWARD,
            {"unit_code": school, "person_token": f"person-{one:014d}", "amount": amount, **fields},
        )
        for one in people
    ]


def shown(figures: list[dict[str, Any]]) -> list[str]:
    return [figure["display"] for figure in figures]


async def test_a_page_has_everything_in_one_answer(cockpit: Cockpit) -> None:
    rows = [
        *awards("3701020001", range(20), "500.00", year="2023", term="autumn"),
        *awards("3701020001", range(20), "625.00", term="autumn"),
        *awards("3701030001", range(10, 40), "1000.00", term="spring", funding="local", stage="doctor"),
        *awards("370102", range(50, 60), "100.00", term="spring"),
    ]
    await send(cockpit, numbered(rows))
    page = await view(cockpit, "overview", "jinan")
    assert (page["calendar"], page["period"], page["period_title"]) == ("year", "2024", "2024年")
    assert page["place"]["code"] == "370100"
    assert page["trail"] == []
    assert page["available"][0] == {
        "calendar": "year",
        "periods": [{"period": "2024", "title": "2024年"}, {"period": "2023", "title": "2023年"}],
    }
    key = {figure["metric"]: figure for figure in page["key_figures"]}
    amount = key["aid_amount"]
    assert amount["figure"] == {
        "value": "43500.00",
        "display": "4.35 万元",
        "absent": None,
        "suppressed": False,
    }
    assert amount["before"]["value"] == "10000.00"
    assert (amount["year_on_year"]["value"], amount["year_on_year"]["display"]) == ("335.00", "+335.00%")
    assert amount["previous_period"]["absent"] == "not_kept"
    assert key["aid_persons"]["figure"]["value"] == "50"
    assert key["coverage"]["figure"]["absent"] == "not_kept"
    assert "口径" not in amount["scope"]
    assert amount["scope"]

    assert [(point["period"], point["figures"][0]["value"]) for point in page["trend"]["points"]] == [
        ("2023", "10000.00"),
        ("2024", "43500.00"),
    ]
    funding = page["breakdowns"][0]
    assert [column["name"] for column in funding["columns"]] == [
        "资助金额",
        "资助金额占比",
        "资助人次",
        "资助人次占比",
        "资助人数",
    ]
    assert [(part["name"], shown(part["figures"])) for part in funding["parts"]] == [
        ("中央财政", ["1.35 万元", "31.03%", "30 人次", "50.00%", "30 人"]),
        ("地方财政", ["3 万元", "68.97%", "30 人次", "50.00%", "30 人"]),
    ]

    columns = [(column["metric"], column["comparison"]) for column in page["child_columns"]]
    assert columns[:2] == [("aid_amount", None), ("aid_amount", "year_on_year")]
    children = {child["place"]["code"]: child for child in page["children"]}
    assert set(children) == {"370102", "370103"}
    assert shown(children["370102"]["figures"])[:2] == ["1.35 万元", "+35.00%"]
    assert children["370103"]["figures"][1]["absent"] == "no_base"
    assert children["370102"]["place"]["map_code"] == "370102"
    assert page["own"][0]["value"] == "0.00"
    below = await cockpit.http.get(children["370102"]["view"], headers=cockpit.bearer("jinan"))
    assert below.status_code == 200
    assert below.json()["trail"][0]["code"] == "370100"
    assert below.json()["key_figures"][0]["figure"]["value"] == "13500.00"
    assert below.json()["own"][0]["value"] == "1000.00"
    # Schools keep the calendar year only.
    assert [child["place"]["level"] for child in below.json()["children"]] == ["school"] * 3

    higher = await view(cockpit, "overview", "jinan", sector="higher", calendar="term", period="2024-spring")
    assert higher["key_figures"][0]["figure"]["value"] == "30000.00"
    assert higher["key_figures"][0]["previous_period"]["absent"] == "no_base"
    stages = next(one for one in higher["breakdowns"] if one["dimensions"][0]["name"] == "stage")
    assert [part["name"] for part in stages["parts"]] == ["博士"]


async def test_a_tag_changes_exactly_when_the_data_of_the_answer_do(cockpit: Cockpit) -> None:
    await send(cockpit, numbered(awards("3701020001", range(20), "500.00")))

    async def tag(by: str, seen: str | None = None) -> tuple[int, str]:
        headers = cockpit.bearer(by) | ({} if seen is None else {"If-None-Match": seen})
        response = await cockpit.http.get("/api/v1/views/overview?period=2024", headers=headers)
        assert (response.status_code == 304) == (response.content == b"")
        return response.status_code, response.headers["etag"]

    _, first = await tag("lixia")
    assert await tag("lixia", first) == (304, first)
    assert await tag("lixia", f'"other", {first.removeprefix("W/")}') == (304, first)
    # Neither another county's batch nor another year's changes this answer.
    await send(cockpit, numbered(awards("3701030001", range(20), "500.00")))
    assert await tag("lixia", first) == (304, first)
    made = await cockpit.upload(
        "award", "centre", "".join(_csv(awards("3701020002", range(30, 40), "1.00", record_id="")))
    )
    status, second = await tag("lixia", first)
    assert (status, second != first) == (200, True)
    await withdraw(cockpit, made.json()["id"], "centre")
    assert (await tag("lixia", second))[1] == first


def _csv(rows: list[tuple[FeedName, dict[str, str]]]) -> list[str]:
    from services.cockpit.tests.support.figures import file_of, row_of

    return [
        file_of(
            [
                row_of(feed, 10**6 + number, {**fields, "record_id": f"x{number}"})
                for number, (feed, fields) in enumerate(rows)
            ]
        )
    ]


async def test_views_agree_with_queries_at_every_place_in_both_trees(cockpit: Cockpit) -> None:
    rows: dict[FeedName, list[dict[str, str]]] = {}
    for feed, row in facts(cockpit.world, 1_000, seed=2):
        rows.setdefault(feed, []).append(row)
    await send(cockpit, rows)
    centre = await view(cockpit, "overview")
    marks = {child["place"]["code"]: child["place"] for child in centre["children"]}
    assert {code: place["mark"] for code, place in marks.items()} == {
        "370000": None,
        "370200": "separately_planned",
        "110000": None,
        "420000": None,
        "660000": "corps",
        "4137010422": "school",
    }
    assert (marks["370200"]["map_code"], marks["370200"]["province_code"]) == ("370200", "370000")
    assert marks["660000"]["map_code"] is None
    territory = await view(cockpit, "funds", tree="territory", region="370000")
    assert [child["place"]["code"] for child in territory["children"]] == ["370100", "370200"]

    places: list[tuple[str, dict[str, str]]] = [
        ("centre", {}),
        ("shandong", {}),
        ("lixia", {"sector": "basic"}),
        ("shandong", {"tree": "territory"}),
        ("beijing", {"tree": "territory", "sector": "higher"}),
    ]
    for module in MODULES:
        for by, params in places:
            page = await view(cockpit, module, by, **params)
            await _agrees(cockpit, by, page)


async def _agrees(cockpit: Cockpit, by: str, page: dict[str, Any]) -> None:
    filters = {} if page["sector"] is None else {"sector": [page["sector"]]}
    where: dict[str, Any] = {"tree": page["tree"], "calendar": page["calendar"], "filters": filters}
    key = [figure for figure in page["key_figures"] if figure["figure"]["absent"] != "not_kept"]
    columns = [(column["metric"], column["comparison"]) for column in page["child_columns"]]
    for start in range(0, len(key), 10):
        asked = key[start : start + 10]
        answer = await ask(
            cockpit,
            by,
            metrics=[figure["metric"] for figure in asked],
            comparisons=["year_on_year"],
            periods=[page["period"]],
            rows="both",
            **where,
        )
        found = {row["place"]: row["figures"] for row in answer["rows"]}
        for number, figure in enumerate(asked):
            own = found[page["place"]["code"]][2 * number : 2 * number + 2]
            assert own == [figure["figure"], figure["year_on_year"]]
            for child in page["children"]:
                for more, comparison in enumerate((None, "year_on_year")):
                    column = (figure["metric"], comparison)
                    if column in columns:
                        place = child["place"]["code"]
                        assert child["figures"][columns.index(column)] == found[place][2 * number + more]
    for step, name in zip(page["funnel"], ("下达金额", "拨付金额", "发放金额"), strict=bool(page["funnel"])):
        assert step["name"] == name


async def test_a_foreign_place_is_refused_and_recorded(cockpit: Cockpit) -> None:
    foreign = str(cockpit.world["shizhong"].id)
    question = {"metrics": ["aid_amount"], "periods": ["2024"]}
    refused = [
        await get(cockpit, "overview", "lixia", unit=foreign),
        await get(cockpit, "funds", "lixia", tree="territory", region="370103"),
        await get(cockpit, "funds", "lixia", tree="territory", region="370100"),
        *[
            await cockpit.http.post(
                "/api/v1/query", json={**question, **where}, headers=cockpit.bearer("lixia")
            )
            for where in ({"unit": foreign}, {"tree": "territory", "region": "000000"})
        ],
    ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(403, "out_of_reach")] * 5
    async with cockpit.database.transaction() as session:
        records = list((await session.scalars(select(AccessRefusal).order_by(AccessRefusal.id))).all())
    assert [(one.action, one.unit_path) for one in records] == [
        ("views.overview", cockpit.world["shizhong"].path),
        ("views.funds", "000000.370000.370100.370103"),
        ("views.funds", "000000.370000.370100"),
        ("query", cockpit.world["shizhong"].path),
        ("query", "000000"),
    ]
    assert (await get(cockpit, "overview", "lixia", unit=str(cockpit.world["lixia1"].id))).status_code == 200


async def test_those_whom_the_cockpit_does_not_admit_see_no_view(cockpit: Cockpit) -> None:
    for changes, code in (
        ({"level": "school", "kind": "school"}, "level_not_admitted"),
        ({"kind": "nutrition"}, "kind_not_admitted"),
        ({"entitlements": []}, "entitlement_required"),
        ({"scope": "openid"}, "insufficient_scope"),
    ):
        headers = cockpit.bearer("lixia", **changes)
        for response in (
            await cockpit.http.get("/api/v1/views/overview", headers=headers),
            await cockpit.http.post(
                "/api/v1/query", json={"metrics": ["aid_amount"], "periods": ["2024"]}, headers=headers
            ),
            await cockpit.http.get("/api/v1/metrics", headers=headers),
        ):
            assert (response.status_code, response.json()["code"]) == (403, code)


async def test_questions_that_cannot_be_answered_say_why(cockpit: Cockpit) -> None:
    async def refusal(**question: Any) -> tuple[str, str]:
        response = await cockpit.http.post("/api/v1/query", json=question, headers=cockpit.bearer("centre"))
        assert response.status_code == 400, response.text
        problem = response.json()
        errors = problem.get("errors") or [{"detail": problem["detail"], "pointer": ""}]
        return problem["code"] + " " + errors[0]["pointer"], errors[0]["detail"]

    base: dict[str, Any] = {"metrics": ["aid_persons"], "periods": ["2024"]}
    refused: list[tuple[dict[str, Any], str, str]] = [
        ({"metrics": ["coverage"]}, "question_not_offered /metrics/0", "只能按学年"),
        ({"metrics": ["published_persons"]}, "question_not_offered /metrics/0", "公布的数据"),
        ({"dimensions": ["hardship_type"]}, "question_not_offered /metrics/0", "学段×资助项目"),
        ({"periods": ["2024-spring"]}, "question_not_offered /periods/0", "自然年"),
        ({"filters": {"stage": ["nowhere"]}}, "question_not_offered /filters/stage/0", "compulsory"),
        (
            {"filters": {"stage": ["master", "doctor"]}},
            "question_not_offered /filters/stage",
            "不能跨学段相加",
        ),
        ({"comparisons": ["cumulative"]}, "question_not_offered /comparisons/0", "没有累计"),
        (
            {
                "metrics": ["aid_amount", "aid_persons", "aid_person_times"],
                "comparisons": ["year_on_year"],
                "dimensions": ["stage", "programme"],
                "calendar": "term",
                "rows": "children",
                "periods": [f"{year}-{term}" for year in range(2010, 2026) for term in ("spring", "autumn")],
            },
            "question_too_large ",
            "50,000",
        ),
        (
            {
                "metrics": ["full_aid_rate"],
                "dimensions": ["hardship_type", "hardship_level"],
                "calendar": "school_year",
                "rows": "children",
                "periods": [str(year) for year in range(2015, 2025)],
            },
            "question_too_large ",
            "取交集",
        ),
    ]
    for change, where, words in refused:
        found = await refusal(**{**base, **change})
        assert found[0] == where
        assert words in found[1]
    for change in (
        {"periods": ["2024", "2024"]},
        {"unit": str(cockpit.world["lixia"].id), "tree": "territory"},
    ):
        response = await cockpit.http.post(
            "/api/v1/query", json={**base, **change}, headers=cockpit.bearer("centre")
        )
        assert response.status_code == 422
    for params, code in (
        ({"calendar": "month"}, "question_not_offered"),
        ({"period": "2024-13"}, "question_not_offered"),
        ({"tree": "territory", "region": "999999"}, "region_not_found"),
    ):
        response = await get(cockpit, "overview", **params)
        assert response.json()["code"] == code
    assert (await get(cockpit, "overview", "corps", tree="territory")).json()["code"] == "no_territory"
    empty = await view(cockpit, "hardship", "corps")
    assert {figure["figure"]["absent"] for figure in empty["key_figures"]} == {"no_data"}


@pytest.mark.parametrize("region", ["370100", "110101"], ids=["of a city", "foreign"])
async def test_an_office_that_lies_in_a_region_does_not_see_its_figures(
    cockpit: Cockpit, region: str
) -> None:
    async with cockpit.database.transaction() as session:
        await session.execute(update(Unit).where(Unit.code == "370102").values(region_code=region))
    refused = await get(cockpit, "overview", "lixia", tree="territory")
    assert (refused.status_code, refused.json()["code"]) == (400, "no_territory")
    for who, where in (("shihezi", "659001"), ("xiantao", "429004"), ("qingdao", "370200")):
        assert (await view(cockpit, "overview", who, tree="territory"))["place"]["code"] == where


@pytest.fixture
def hide_small_cells(request: pytest.FixtureRequest) -> bool:
    return "small_figures" in request.node.name


async def test_small_figures_are_hidden_with_all_that_follows_from_them(cockpit: Cockpit) -> None:
    rows = [
        *awards("3701020001", range(3), "500.00", term="autumn"),
        *awards("3701020002", range(10, 60), "500.00", term="autumn"),
        *awards("3701030001", range(60, 120), "500.00", term="autumn", funding="local"),
        *awards("3702030001", range(200, 202), "500.00", term="autumn"),
    ]
    await send(cockpit, numbered(rows))
    page = await view(cockpit, "overview")
    children = {child["place"]["code"]: child["figures"] for child in page["children"]}
    columns = [(column["metric"], column["comparison"]) for column in page["child_columns"]]
    for metric in ("aid_amount", "aid_persons", "aid_person_times", "aid_per_person"):
        figure = children["370200"][columns.index((metric, None))]
        assert (figure["value"], figure["display"], figure["suppressed"]) == (None, "*", True)
    # The place beside it would give it away.
    assert children["370000"][0]["suppressed"]
    asked = await ask(cockpit, metrics=["aid_amount"], rows="children", periods=["2024"])
    found = {row["place"]: row["figures"][0] for row in asked["rows"]}
    assert found["370200"]["suppressed"]
    assert found["370000"]["suppressed"]
    # The county in charge sees its own figures.
    own = await view(cockpit, "overview", "shibei")
    assert own["key_figures"][2]["figure"]["value"] == "2"


async def test_small_figures_of_schools_of_others_are_hidden_from_the_county_in_charge(
    cockpit: Cockpit,
) -> None:
    aided = [*awards("3701020001", range(20), "500.00"), *awards("4137010422", range(100, 103), "500.00")]
    listed = [
        (FeedName.HARDSHIP, {"unit_code": school, "person_token": f"person-{one:014d}"})
        for school, people in (("3701020001", range(20)), ("4137010422", range(103, 125)))
        for one in people
    ]
    await send(cockpit, numbered([*aided, *listed]))
    for module, metric, own in (
        ("overview", "aid_persons", "20"),
        ("hardship", "recognised_and_aided", "20"),
    ):
        figures = {}
        for tree in ("authority", "territory"):
            page = await view(cockpit, module, "lixia", tree=tree)
            figures[tree] = {one["metric"]: one["figure"] for one in page["key_figures"]}[metric]
        assert (figures["authority"]["value"], figures["territory"]["display"]) == (own, "*"), module
    # Twenty listed at the university, and none of them aided there.
    page = await view(cockpit, "hardship", "lixia", tree="territory")
    assert page["key_figures"][0]["figure"]["value"] == "42"


async def test_a_view_is_made_once_for_each_version_of_what_it_shows(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(cockpit, numbered(awards("3701020001", range(20), "500.00")))
    made = 0
    build = Views._view

    async def counted(self: Views, *given: Any) -> Any:
        nonlocal made
        made += 1
        return await build(self, *given)

    monkeypatch.setattr(Views, "_view", counted)
    pages = await asyncio.gather(*(view(cockpit, "overview", "jinan") for _ in range(5)))
    assert made == 1
    assert len({page.pop("as_of") for page in pages}) == 5
    assert all(page == pages[0] for page in pages)
    # Neither another viewer nor another question gets it.
    await view(cockpit, "overview", "jinan", period="2023")
    await view(cockpit, "overview", "shandong", unit=str(cockpit.world["jinan"].id))
    assert made == 3
    await send(cockpit, numbered(awards("3702030001", range(20, 40), "500.00")))
    await view(cockpit, "overview", "jinan")
    assert made == 3
    async with cockpit.database.transaction() as session:
        await session.execute(update(Unit).where(Unit.code == "370102").values(name="历下"))
    renamed = await view(cockpit, "overview", "jinan")
    assert (made, renamed["children"][0]["place"]["name"]) == (4, "历下")
    assert (await get(cockpit, "overview", "qingdao", unit=str(cockpit.world["jinan"].id))).status_code == 403
