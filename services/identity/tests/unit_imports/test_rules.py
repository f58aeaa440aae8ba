"""What is wrong in a row, all of it at once, and what is read as it was meant."""

from datetime import date

import pytest

from identity.unit_imports import rules
from identity.unit_imports.rules import Cell, Row

COLUMNS = {column.name: position for position, column in enumerate(rules.COLUMNS)}
GOOD: dict[str, Cell] = {column.name: column.example for column in rules.COLUMNS}


def row(**changes: Cell) -> Row:
    cells = list({**GOOD, **changes}.values())
    return rules.row_of(7, cells, COLUMNS, {"370102": None})


def test_the_example_of_the_template_is_right() -> None:
    found = row()
    assert found.errors == []
    assert (found.values["level"], found.values["kind"], found.stages) == ("school", "school", ["compulsory"])


def test_all_errors_of_a_row_are_listed() -> None:
    found = row(
        code=None,
        name="校",
        level="乡",
        stages="义务教育、补习",
        region_code="999999",
        duty_phone="13812345678",
    )
    assert found.errors == [
        "缺少“单位代码”",
        "“单位名称”须为 2 至 100 个字",
        "“层级”乡 不正确，可填：部、省、市、县、学校、院系／中心校",
        "“学段”补习 不正确，可填：学前教育、义务教育、普通高中、中等职业教育、高等职业教育、本科、硕士、博士",
        "“行政区划代码”999999 不存在（GB/T 2260 的六位代码）",
        "“值班电话”须为固定电话或服务号码，不能填写个人手机号",
    ]


@pytest.mark.parametrize(("cell", "text"), [(370102.0, "370102"), (370102, "370102"), (" 370102 ", "370102")])
def test_a_code_that_excel_made_a_number_is_read_as_its_digits(cell: Cell, text: str) -> None:
    assert row(parent_code=cell).values["parent_code"] == text


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (date(2026, 9, 1), "“单位代码”被识别为日期，请设为文本格式后重新填写"),
        (1.5, "“单位代码”是数值 1.5，请设为文本格式后重新填写"),
        (1234567890123456.0, "“单位代码”是超过 15 位的数值，Excel 已丢失末尾数字，请设为文本格式后重新填写"),
        (True, "“单位代码”是逻辑值，请设为文本格式后重新填写"),
        ("#REF!", "“单位代码”的公式有错误（#REF!）"),
        ("S1\x07", "“单位代码”含有不可见的控制字符"),
        ("学校一", "“单位代码”须为 4 至 32 位字母、数字或下划线"),
    ],
)
def test_what_a_spreadsheet_spoils_is_said_in_words(cell: Cell, message: str) -> None:
    assert message in row(code=cell).errors


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1e300, 1e300])
def test_no_number_breaks_the_reader(number: float) -> None:
    assert row(code=number).errors


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@x", "\tx"])
def test_what_a_spreadsheet_would_calculate_is_escaped_and_read_back(text: str) -> None:
    assert rules.escaped(text) == f"'{text}"
    assert rules.unescaped(rules.escaped(text)) == text
    assert rules.unescaped("'单引号") == "'单引号"


def test_a_heading_may_have_marks_notes_and_another_order() -> None:
    heading = ["序号", "单位名称*", " 单位代码（必填）", "上级单位代码", "层级", "类别", "学段"]
    assert rules.heading_of(heading) == {
        "name": 1,
        "code": 2,
        "parent_code": 3,
        "level": 4,
        "kind": 5,
        "stages": 6,
    }
    assert rules.heading_of(["学校名录", None]) is None
    assert rules.missing({"code": 0, "name": 1}) == ["上级单位代码", "层级", "类别", "学段"]


def test_labels_and_wire_values_are_read_alike() -> None:
    found = row(level="院系/中心校", kind="department", stages="博士 本科,硕士")
    assert found.errors == []
    assert (found.values["level"], found.stages) == ("department", ["undergraduate", "master", "doctor"])
