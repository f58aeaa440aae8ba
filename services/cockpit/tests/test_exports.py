"""Files of figures: exact values, with 口径 and times, marks for hidden ones, no formulas."""

import asyncio
import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cockpit.exports import rules
from cockpit.exports.rules import FOOTNOTE, Asker, FileFormat, Table, notes
from cockpit.exports.writing import content
from cockpit.query import questions
from filekit.xlsx_rows import XlsxRows
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of

E = "/api/v1/exports"
NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
ASKER = Asker("01930000-0000-7000-8000-000000000001", "济南市学生资助管理中心（370100）")
QUESTION = {"metrics": ["aid_amount", "aid_persons"], "periods": ["2017"], "rows": "both"}


@pytest.fixture
def hide_small_cells() -> bool:
    return True


@pytest.fixture
async def filled(cockpit: Cockpit) -> Cockpit:
    for unit, school, persons in (("county", "school", 3), ("sibling", "sibling_school", 30)):
        rows = [award(unit_code=cockpit.world[school].code) for _ in range(persons)]
        await cockpit.upload("award", unit, csv_of(rows))
    return cockpit


async def export(
    cockpit: Cockpit, table: dict[str, Any], format_: str = "csv", **claims: Any
) -> httpx.Response:
    given = {"table": table, "format": format_}
    return await cockpit.http.post(E, json=given, headers=cockpit.bearer("city", **claims))


async def ended(cockpit: Cockpit, url: str, headers: dict[str, str]) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while True:
            found: dict[str, Any] = (await cockpit.http.get(url, headers=headers)).json()
            if found["status"] != "running":
                return found
            await asyncio.sleep(0.05)


def lines_of(response: httpx.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def cells_of(content_: bytes) -> list[list[str]]:
    rows = XlsxRows(io.BytesIO(content_), lambda heading: heading[0] in {"范围", "名称", "代码"})
    found: list[list[str]] = []
    while not rows.ended:
        found += [row.fields for row in rows.step()]
    return found


async def test_an_overview_is_exported_with_its_scope_and_times_and_marks_for_what_is_hidden(
    filled: Cockpit,
) -> None:
    cockpit, params = filled, {"year": "2017"}
    text_ = await cockpit.http.get("/api/v1/overview.csv", params=params, headers=cockpit.bearer("city"))
    assert text_.status_code == 200, text_.text
    lines = text_.content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "范围,单位代码,单位名称,分项,金额（元）,人次,人数"
    assert "合计,370100,单位370100,,20625.00,33,33" in lines
    assert "下级单位,370102,单位370102,,*,*,*" in lines
    for name in ("口径", "数据截止时间", "导出时间", "导出单位", "导出人（账号标识）"):
        assert any(line.startswith(f"{name},") for line in lines)
    assert any(FOOTNOTE in line for line in lines)
    assert "overview.csv" in text_.headers["content-disposition"]

    book = await cockpit.http.get("/api/v1/overview.xlsx", params=params, headers=cockpit.bearer("city"))
    found = cells_of(book.content)
    assert found[1] == ["合计", "370100", "单位370100", "", "20625", "33", "33"]
    assert ["下级单位", "370102", "单位370102", "", "*", "*", "*"] in found
    refused = await cockpit.http.get(
        "/api/v1/overview.csv",
        params={**params, "unit": str(cockpit.world["centre"].id)},
        headers=cockpit.bearer("city"),
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")


async def test_answers_and_tables_of_views_are_exported_as_they_are_shown(filled: Cockpit) -> None:
    answer = await export(filled, {"kind": "query", "query": {**QUESTION, "dimensions": ["stage"]}})
    assert answer.status_code == 200, answer.text
    lines = lines_of(answer)
    assert lines[0] == ["代码", "名称", "层级", "时期", "学段", "资助金额（元）", "资助人数（人）"]
    assert ["370100", "单位370100", "市", "2017年", "义务教育", "20625.00", "33"] in lines
    assert ["370102", "单位370102", "县", "2017年", "义务教育", "*", "*"] in lines
    assert ["期间", "按自然年统计"] in lines

    view = await export(filled, {"kind": "view", "module": "overview", "period": "2017"}, "xlsx")
    found = cells_of(view.content)
    assert found[0][:4] == ["代码", "名称", "层级", "资助金额（元）"]
    assert next(row for row in found if row[0] == "370102")[3] == "*"

    no_tree = await export(filled, {"kind": "query", "query": {**QUESTION, "metrics": ["coverage"]}})
    assert (no_tree.status_code, no_tree.json()["code"]) == (400, "question_not_offered")


async def test_a_large_table_is_made_by_a_job_and_equals_the_one_made_at_once(
    filled: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    cockpit, table = filled, {"kind": "query", "query": QUESTION}
    at_once = lines_of(await export(cockpit, table))
    monkeypatch.setattr(rules, "AT_ONCE", 3)
    # A block for each place.
    monkeypatch.setattr(questions, "FIGURES", 2)
    started = await export(cockpit, table, sub="a")
    assert started.status_code == 202, started.text
    url = started.headers["location"]
    mine = cockpit.bearer("city", sub="a")
    found = await ended(cockpit, url, mine)
    assert (found["status"], found["rows"]) == ("done", 4), found
    file = await cockpit.http.get(f"{url}/file", headers=mine)
    assert len(file.content) == found["size"]
    blank = at_once.index([])
    assert lines_of(file)[:blank] == at_once[:blank]
    assert any(line[:1] == ["导出人（账号标识）"] and line[1] == "a" for line in lines_of(file) if line)

    for headers in (cockpit.bearer("city", sub="b"), cockpit.bearer("county", sub="a")):
        other = await cockpit.http.get(f"{url}/file", headers=headers)
        assert (other.status_code, other.json()["code"]) == (404, "export_not_found")
    late = await cockpit.http.post(f"{url}/cancel", headers=mine)
    assert (late.status_code, late.json()["code"]) == (409, "export_ended")
    listed = (await cockpit.http.get(E, params={"status": "done"}, headers=mine)).json()
    assert [one["id"] for one in listed["items"]] == [found["id"]]

    auditor = cockpit.bearer("province", permissions=["files.audit"])
    uses = (await cockpit.http.get(f"{E}/uses", headers=auditor)).json()["items"]
    assert [(one["action"], one["subject"]) for one in uses] == [
        ("fetched", "query"),
        ("asked", "query"),
        ("asked", "query"),
    ]
    assert uses[0]["export_id"] == uses[1]["export_id"] == found["id"]
    with pytest.raises(DBAPIError, match="append-only"):
        async with cockpit.database.transaction() as session:
            await session.execute(text("UPDATE export_uses SET sub = 'x'"))


async def test_an_export_that_is_cancelled_gives_no_file(
    filled: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "AT_ONCE", 1)
    reached, go_on = asyncio.Event(), asyncio.Event()
    from cockpit.exports import writing

    before = writing.written

    async def slow(*given: Any) -> int:
        reached.set()
        await go_on.wait()
        return await before(*given)

    monkeypatch.setattr(writing, "written", slow)
    mine = filled.bearer("city", sub="a")
    started = await export(filled, {"kind": "query", "query": QUESTION}, sub="a")
    url = started.headers["location"]
    async with asyncio.timeout(60):
        await reached.wait()
    not_yet = await filled.http.get(f"{url}/file", headers=mine)
    assert (not_yet.status_code, not_yet.json()["code"]) == (409, "export_not_ready")
    cancelled = await filled.http.post(f"{url}/cancel", headers=mine)
    assert cancelled.json()["status"] == "cancelled"
    go_on.set()
    assert (await filled.http.get(f"{url}/file", headers=mine)).status_code == 409


def test_names_that_look_like_formulas_are_text() -> None:
    table = Table("表", ["名称", "金额"], [], [["=HYPERLINK(1)", Decimal("121060000000.01")]])
    assert (
        content(table, FileFormat.CSV).decode("utf-8-sig").splitlines()[1] == "'=HYPERLINK(1),121060000000.01"
    )
    assert cells_of(content(table, FileFormat.XLSX))[1] == ["'=HYPERLINK(1)", "121060000000.01"]


def test_times_in_files_are_those_of_beijing() -> None:
    found = notes("单位", "2017 年", [], NOW, NOW, ASKER)
    assert ("导出时间", "2026-11-26 18:30:00（北京时间）") in found
