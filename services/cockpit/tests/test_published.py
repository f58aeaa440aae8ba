"""Published tables are read back as they were published, each source and scope apart."""

import csv
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import OperationalError
from sqlalchemy import delete, text, update

from cockpit.models import PublishedBatch, PublishedTable, Unit
from cockpit.published import filling
from cockpit.published.filling import PublishedFiller
from services.cockpit.tests.support.running_cockpit import (
    NATIONAL_2017,
    Cockpit,
    award,
    csv_of,
    move,
    paths,
    withdraw,
)

TABLES = NATIONAL_2017.parent
CONTENT = {path.stem: path.read_bytes() for path in TABLES.glob("*.csv")}
NATIONAL, HIGHER_2016, TOTALS = NAMES = ("national_2017", "higher_education_2016", "totals")


async def get(cockpit: Cockpit, path: str, by: str = "centre", **params: Any) -> dict[str, Any]:
    answer = await cockpit.http.get(f"/api/v1/published/{path}", params=params, headers=cockpit.bearer(by))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def send(cockpit: Cockpit, name: str, unit: str = "centre", source: str = "年度报告") -> str:
    made = await cockpit.upload("published_aggregate", unit, CONTENT[name], source=source)
    assert (made.status_code, made.json()["rejected"]) == (201, 0), made.text
    return str(made.json()["id"])


def _number(value: str | None) -> Decimal | None:
    return Decimal(value) if value else None


async def test_tables_are_read_back_equal_to_the_last_digit(cockpit: Cockpit) -> None:
    columns = ("amount_100m_cny", "share_percent", "persons_10k", "person_times_10k")
    expected = []
    for name in NAMES:
        await send(cockpit, name, source=name)
        for row in csv.DictReader(CONTENT[name].decode().splitlines()):
            words = row["scope"], row["stage"], row.get("programme") or None, row["funding"]
            figures = tuple(_number(row.get(column)) for column in columns)
            expected.append((name, row["year"], *words, *figures, row.get("note") or ""))
    lines = (await get(cockpit, "lines", limit=200))["items"]
    found = [
        (
            line["source"],
            str(line["year"]),
            *(line[name] for name in ("scope", "stage_name", "programme_name", "funding_name")),
            *(_number(line[column]) for column in columns),
            line["note"],
        )
        for line in lines
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert len(found) == 9 + 14 + 8


async def test_totals_stand_beside_their_parts_with_a_note_on_rounding(cockpit: Cockpit) -> None:
    await send(cockpit, HIGHER_2016)
    (brief,) = (await get(cockpit, "tables", year=2016))["items"]
    table = await get(cockpit, f"tables/{brief['id']}")
    assert table["newest"] == brief["id"]
    assert len(table["lines"]) == brief["lines"] == 14
    balances = {one["name"]: (one["parts"], one["whole"], one["verdict"]) for one in table["balances"]}
    assert balances["central_and_local"] == ("46935000000.00", "46935000000.00", "equal")
    assert balances["sources"] == ("95583000000.00", "95584000000.00", "rounding")
    (note,) = (one["note"] for one in table["balances"] if one["name"] == "sources")
    assert note == "分项之和比合计少 0.01 亿元（相差在四舍五入范围内）"
    assert "different" not in {one["verdict"] for one in table["balances"]}


async def test_amount_per_head_of_2016_is_the_standard_in_force(cockpit: Cockpit) -> None:
    await send(cockpit, HIGHER_2016)
    (brief,) = (await get(cockpit, "tables"))["items"]
    table = await get(cockpit, f"tables/{brief['id']}")
    found = {
        (one["programme_name"], one["stage_name"]): (one["per_head"], one["verdict"])
        for one in table["per_head"]
    }
    assert found["国家励志奖学金", "普通高等教育"] == ("5000.00", "equal")
    assert found["本专科生国家奖学金", "普通高等教育"] == ("8000.00", "equal")
    assert found["研究生国家奖学金", "硕士"] == ("20000.00", "equal")
    assert found["研究生国家奖学金", "博士"] == ("30000.00", "equal")
    # Between the least and the most that was allowed: 2,000 and 4,500.
    assert found["本专科生国家助学金", "普通高等教育"] == ("2832.78", "within")
    assert found["国家助学贷款", "普通高等教育"][1] == "within"
    assert found["研究生国家助学金", "普通高等教育"][1] == "unknown"


async def test_national_table_of_2017_holds_in_every_balance(cockpit: Cockpit) -> None:
    await send(cockpit, NATIONAL)
    (brief,) = (await get(cockpit, "tables", q="免费教科书"))["items"]
    balances = (await get(cockpit, f"tables/{brief['id']}"))["balances"]
    assert [(one["title"], one["verdict"]) for one in balances] == [
        ("中央财政+地方财政=财政", "equal"),
        ("分学段之和=合计", "equal"),
        ("金额÷全部来源=公布的占比", "equal"),
        ("金额÷全部来源=公布的占比", "rounding"),
        ("金额÷全部来源=公布的占比", "equal"),
    ]


async def test_scopes_that_disagree_stand_side_by_side_and_say_so(cockpit: Cockpit) -> None:
    await send(cockpit, TOTALS)
    years = {one["year"]: one for one in (await get(cockpit, "totals"))["years"]}
    assert list(years) == [2023, 2021, 2019, 2018, 2017, 2016, 2012]
    assert years[2012]["disagree"] is True
    assert years[2012]["label"] == "2012 年有 2 个口径，数值不同，请分别引用"
    assert {(one["amount_100m_cny"], one["persons_10k"]) for one in years[2012]["totals"]} == {
        ("1322", "12000"),
        ("1126", "8430"),
    }
    (in_2018,), (in_2019,) = years[2018]["totals"], years[2019]["totals"]
    assert (in_2018["persons_10k"], in_2018["person_times_10k"]) == (None, "13500")
    assert (in_2019["persons_10k"], in_2019["person_times_10k"]) == ("10590", None)
    assert in_2018["table"]["scope"] != in_2019["table"]["scope"]
    assert years[2023]["totals"][0]["note"] == "公布为“超过”"
    assert [one["disagree"] for one in years.values()].count(True) == 1


async def test_lines_are_narrowed_by_what_they_are_about(cockpit: Cockpit) -> None:
    await send(cockpit, HIGHER_2016)
    await send(cockpit, NATIONAL)
    awards = await get(cockpit, "lines", stage="doctor", programme="postgraduate_scholarship")
    assert [line["amount_100m_cny"] for line in awards["items"]] == ["3"]
    whole = await get(cockpit, "lines", year=2016, funding="government", undivided="true")
    assert [line["amount_100m_cny"] for line in whole["items"]] == ["469.35"]
    assert whole["total"]["count"] == 1


async def test_a_newer_batch_replaces_its_source_and_scope_until_it_is_withdrawn(cockpit: Cockpit) -> None:
    await send(cockpit, NATIONAL)
    (older,) = (await get(cockpit, "tables"))["items"]
    made = await cockpit.upload(
        "published_aggregate",
        "centre",
        CONTENT[NATIONAL].replace(b"1882", b"1900"),
        source="年度报告",
    )
    (newer,) = (await get(cockpit, "tables"))["items"]
    assert newer["batch_id"] == made.json()["id"]
    assert (await get(cockpit, f"tables/{older['id']}"))["newest"] == newer["id"]
    await withdraw(cockpit, newer["batch_id"], "centre")
    assert [one["id"] for one in (await get(cockpit, "tables"))["items"]] == [older["id"]]
    gone = await cockpit.http.get(f"/api/v1/published/tables/{newer['id']}", headers=cockpit.bearer("centre"))
    assert (gone.status_code, gone.json()["code"]) == (404, "published_table_not_found")
    # What was sent can still be looked at.
    lines = await cockpit.http.get(
        f"/api/v1/intake/batches/{newer['batch_id']}/published", headers=cockpit.bearer("centre")
    )
    assert lines.json()["total"]["count"] == 9


async def test_tables_belong_to_their_unit_although_its_code_and_place_change(cockpit: Cockpit) -> None:
    await send(cockpit, NATIONAL, "county")
    await move(cockpit, "county", "province")
    async with cockpit.database.transaction() as session:
        await session.execute(update(Unit).where(Unit.id == cockpit.world["county"].id).values(code="370199"))
    path = (await paths(cockpit))["county"]
    answer = await cockpit.http.get(
        "/api/v1/published/tables", headers=cockpit.bearer("county", unit_path=path)
    )
    assert answer.json()["total"]["count"] == 1
    overview = await cockpit.http.get(
        "/api/v1/overview", params={"year": 2017}, headers=cockpit.bearer("county", unit_path=path)
    )
    assert len(overview.json()["published"]) == 1


async def test_tables_of_another_unit_are_out_of_reach(cockpit: Cockpit) -> None:
    await send(cockpit, NATIONAL, "sibling")
    (table,) = (await get(cockpit, "tables", "sibling"))["items"]
    assert (await get(cockpit, "tables", "county"))["items"] == []
    refused = await cockpit.http.get(f"/api/v1/published/tables/{table['id']}", headers=cockpit.bearer())
    assert refused.status_code == 403


async def test_a_view_asks_the_store_of_facts_nothing(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(cockpit, NATIONAL, "county")
    await cockpit.upload("award", "county", csv_of([award(amount="5")]))

    async def lost(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(cockpit.app.state.analytics, "query", lost)
    overview = await cockpit.overview("county")
    assert (overview["awards"]["amount"]["yuan"], len(overview["published"])) == ("5.00", 1)
    assert (await get(cockpit, "totals", "county"))["years"][0]["year"] == 2017


async def test_tables_of_an_earlier_release_are_filled_and_refused_until_then(cockpit: Cockpit) -> None:
    await send(cockpit, NATIONAL)
    async with cockpit.database.transaction() as session:
        await session.execute(delete(PublishedTable))
        await session.execute(delete(PublishedBatch))
        # What the migration does for batches of before.
        await session.execute(text("UPDATE batches SET status = 'receiving'"))
        await session.execute(text("UPDATE batches SET status = 'committed'"))
    headers = cockpit.bearer("centre")
    waiting = await cockpit.http.get("/api/v1/published/tables", headers=headers)
    assert (waiting.status_code, waiting.json()["code"]) == (503, "figures_incomplete")
    filler = PublishedFiller(cockpit.database, cockpit.app.state.analytics)
    # The periodic task of the service may have been faster.
    assert await filler.catch_up() in {0, 1}
    assert len((await get(cockpit, "lines"))["items"]) == 9
    assert await filler.catch_up() == 0


async def test_tables_that_cannot_be_filled_do_not_hold_up_others(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await send(cockpit, NATIONAL, "county")
    await send(cockpit, NATIONAL)
    async with cockpit.database.transaction() as session:
        await session.execute(delete(PublishedTable))
        await session.execute(update(PublishedBatch).values(filled_at=None))
    # A table with two lines of one meaning.
    await cockpit.app.state.analytics.execute(
        "INSERT INTO aggregate_facts SELECT * FROM aggregate_facts WHERE batch_id = {batch:UUID}",
        {"batch": broken},
    )
    monkeypatch.setattr(filling, "FILLED", 1)
    filler = PublishedFiller(cockpit.database, cockpit.app.state.analytics)
    # The periodic task of the service may have been faster.
    assert await filler.catch_up() in {0, 1}
    assert await filler.catch_up() == 0
    assert len((await get(cockpit, "lines"))["items"]) == 9
    refused = await cockpit.http.get("/api/v1/published/tables", headers=cockpit.bearer("county"))
    assert (refused.status_code, refused.json()["code"]) == (503, "figures_incomplete")


async def test_a_batch_with_more_lines_than_tables_have_is_refused_whole(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "MOST_LINES", 8)
    made = await cockpit.upload("published_aggregate", "centre", CONTENT[NATIONAL])
    assert (made.status_code, made.json()["code"]) == (400, "too_many_published_lines")
    assert (await get(cockpit, "tables"))["items"] == []
