"""What is wrong in a row, all of it at once, and what is read as it was meant."""

import pytest

from filekit import cells as fields
from filekit.rows import Row as Line
from identity.unit_imports import rules
from identity.unit_imports.rules import Row

COLUMNS = {column.name: position for position, column in enumerate(rules.COLUMNS)}
GOOD = {column.name: column.example for column in rules.COLUMNS}


def row(**changes: str) -> Row:
    fields = list({**GOOD, **changes}.values())
    return rules.row_of(Line(7, fields, []), COLUMNS, {"370102": None}, len(COLUMNS))


def test_the_example_of_the_template_is_right() -> None:
    found = row()
    assert found.errors == []
    assert (found.values["level"], found.values["kind"], found.stages) == ("school", "school", ["compulsory"])


def test_all_errors_of_a_row_are_listed() -> None:
    found = row(
        code="",
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


@pytest.mark.parametrize("text", [" 370102 ", "３７０１０２", "\ufeff370102", "'370102"[1:]])
def test_a_code_is_read_without_spaces_and_whatever_its_width(text: str) -> None:
    assert row(parent_code=text).values["parent_code"] == "370102"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#REF!", "“单位代码”的公式有错误（#REF!）"),
        ("S1\x07", "“单位代码”含有换行或不可见的控制字符"),
        ("学校一", "“单位代码”须为 4 至 32 位字母、数字或下划线"),
    ],
)
def test_what_a_spreadsheet_spoils_is_said_in_words(text: str, message: str) -> None:
    assert message in row(code=text).errors


def test_a_cell_that_the_reader_cannot_use_is_named_once() -> None:
    line = Line(7, list(GOOD.values()), [(0, "被识别为日期，请设为文本格式后重新填写")])
    found = rules.row_of(line, COLUMNS, {"370102": None}, len(COLUMNS))
    assert found.errors == ["“单位代码”被识别为日期，请设为文本格式后重新填写"]


def test_a_row_keeps_what_was_sent_and_reports_more_fields_than_headings() -> None:
    found = rules.row_of(Line(7, [*GOOD.values(), "", "余"], []), COLUMNS, {"370102": None}, len(COLUMNS))
    assert found.raw == list(GOOD.values())
    assert found.errors == ["比表头多出内容"]


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@x"])
def test_what_a_spreadsheet_would_calculate_is_escaped_and_read_back(text: str) -> None:
    assert fields.escaped(text) == f"'{text}"
    assert fields.cleaned(fields.escaped(text)) == text
    assert fields.cleaned("'单引号") == "'单引号"


def test_a_heading_may_have_marks_notes_and_another_order() -> None:
    heading = ["序号", "单位名称＊", "\ufeff 单位代码（必填）：", "上级单位代码", "层级", "类别", "学段"]
    assert rules.heading_of(heading) == {
        "name": 1,
        "code": 2,
        "parent_code": 3,
        "level": 4,
        "kind": 5,
        "stages": 6,
    }
    assert rules.heading_of(["学校名录", ""]) is None
    assert rules.missing({"code": 0, "name": 1}) == ["上级单位代码", "层级", "类别", "学段"]


def test_labels_and_wire_values_are_read_alike() -> None:
    found = row(level="院系/中心校", kind="department", stages="博士 本科,硕士")
    assert found.errors == []
    assert (found.values["level"], found.stages) == ("department", ["undergraduate", "master", "doctor"])
