"""Files of figures: exact values, with 口径 and times, marks for hidden ones, no formulas."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cockpit.exports.rules import FOOTNOTE, Table, notes
from cockpit.exports.writing import csv_text, workbook
from filekit.xlsx_rows import XlsxRows
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of

NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)


@pytest.fixture
def hide_small_cells() -> bool:
    return True


def cells_of(content: bytes) -> list[list[str]]:
    rows = XlsxRows(io.BytesIO(content), lambda heading: heading[0] in {"范围", "名称"})
    found: list[list[str]] = []
    while not rows.ended:
        found += [row.fields for row in rows.step()]
    return found


async def test_an_overview_is_exported_with_its_scope_and_times_and_marks_for_what_is_hidden(
    cockpit: Cockpit,
) -> None:
    for unit, school, persons in (("county", "school", 3), ("sibling", "sibling_school", 30)):
        rows = [award(unit_code=cockpit.world[school].code) for _ in range(persons)]
        await cockpit.upload("award", unit, csv_of(rows))
    params = {"year": "2017"}
    text = await cockpit.http.get("/api/v1/overview.csv", params=params, headers=cockpit.bearer("city"))
    assert text.status_code == 200, text.text
    lines = text.content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "范围,单位代码,单位名称,分项,金额（元）,人次,人数"
    assert "合计,370100,单位370100,,20625.00,33,33" in lines
    assert "下级单位,370102,单位370102,,*,*,*" in lines
    for name in ("口径", "数据截止时间", "导出时间"):
        assert any(line.startswith(f"{name},") for line in lines)
    assert any(FOOTNOTE in line for line in lines)
    assert "overview-2017.csv" in text.headers["content-disposition"]

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


def test_names_that_look_like_formulas_are_text() -> None:
    table = Table("表", ["名称", "金额"], [["=HYPERLINK(1)", Decimal("121060000000.01")]], [])
    assert csv_text(table).decode("utf-8-sig").splitlines()[1] == "'=HYPERLINK(1),121060000000.01"
    assert cells_of(workbook(table))[1] == ["'=HYPERLINK(1)", "121060000000.01"]


def test_times_in_files_are_those_of_beijing() -> None:
    assert ("导出时间", "2026-11-26 18:30:00（北京时间）") in notes("单位", "2017 年", [], NOW, NOW)
