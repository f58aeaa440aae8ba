"""Whether values fit a form."""

from typing import Any

import pytest
from pydantic import ValidationError

from office.forms import rules
from office.forms.fields import FormFields

FORM = FormFields.model_validate(
    {
        "fields": [
            {
                "key": "people",
                "label": "人数",
                "type": "number",
                "required": True,
                "minimum": 1,
                "maximum": 99,
            },
            {"key": "share", "label": "比例", "type": "number", "decimals": 2},
            {"key": "words", "label": "说明", "type": "text", "max_length": 5},
            {"key": "story", "label": "经过", "type": "text", "multiline": True},
            {"key": "day", "label": "日期", "type": "date", "earliest": "2023-05-01", "latest": "2023-05-31"},
            {"key": "way", "label": "方式", "type": "choice", "options": ["线上", "现场"]},
            {
                "key": "topics",
                "label": "专题",
                "type": "multi_choice",
                "options": ["政策", "系统", "征信"],
                "max_choices": 2,
            },
            {"key": "files", "label": "附件", "type": "attachment", "max_files": 1},
            {
                "key": "staff",
                "label": "名单",
                "type": "table",
                "max_rows": 2,
                "columns": [
                    {"key": "name", "label": "姓名", "type": "text", "required": True},
                    {"key": "age", "label": "年龄", "type": "number"},
                ],
            },
        ]
    }
).fields


def problems(complete: bool = False, **values: Any) -> list[str]:
    return [".".join(map(str, place)) for place, _ in rules.check(FORM, values, complete=complete).problems]


def stored(**values: Any) -> Any:
    checked = rules.check(FORM, values, complete=False)
    assert not checked.problems
    return checked.values


def test_required_fields_matter_only_when_it_is_submitted() -> None:
    assert problems(words="好") == []
    assert problems(complete=True, words="好") == ["people"]
    assert problems(complete=True, people=1) == []


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("people", [0, 100, 1.5, "十", True, [1], "1e20", "NaN"]),
        ("share", [0.123, "1,5"]),
        ("words", ["一二三四五六", 5, "一\n二", "\x00", "\ud800"]),
        ("day", ["2023-04-30", "2023-06-01", "2023-5-10", "20230510", 5]),
        ("way", ["电话", ["线上"], 1]),
        ("topics", [["政策", "电话"], "政策", ["政策", "系统", "征信"], [["政策"]]]),
        ("files", [["x"], ["0192f0c1-7a3b-7c11-9a56-0d5b8f6e2a10"] * 2, [1]]),
        ("staff", ["x", [1], [{}, {}, {}]]),
        ("unknown", ["x"]),
    ],
)
def test_values_that_do_not_fit_are_named(key: str, wrong: list[Any]) -> None:
    for value in wrong:
        assert problems(**{key: value}) == [key], value


def test_a_wrong_cell_is_named_by_its_row_and_column() -> None:
    assert problems(staff=[{"name": "甲", "age": "x"}, {"nick": "乙"}]) == ["staff.0.age", "staff.1.nick"]
    assert problems(complete=True, people=1, staff=[{"age": 3}]) == ["staff.0.name"]


def test_values_are_stored_in_one_form() -> None:
    assert stored(people=" 12 ", share="0.50", words=" 好 ", topics=["系统", "政策", "系统"]) == {
        "people": 12,
        "share": 0.5,
        "words": "好",
        "topics": ["政策", "系统"],
    }
    assert stored(story="一\n二", words="", staff=[{}, {"name": "甲"}], files=[]) == {
        "story": "一\n二",
        "staff": [{"name": "甲"}],
    }


@pytest.mark.parametrize(
    "field",
    [
        {"key": "A", "label": "人数", "type": "number"},
        {"key": "a", "label": "", "type": "number"},
        {"key": "a", "label": "人数", "type": "number", "minimum": 2, "maximum": 1},
        {"key": "a", "label": "人数", "type": "number", "decimals": 5},
        {"key": "a", "label": "人数", "type": "number", "maximum": 1e12},
        {"key": "a", "label": "方式", "type": "choice", "options": []},
        {"key": "a", "label": "方式", "type": "choice", "options": ["线上", "线上"]},
        {"key": "a", "label": "日期", "type": "date", "earliest": "2023-05-02", "latest": "2023-05-01"},
        {"key": "a", "label": "表", "type": "table", "columns": []},
        {
            "key": "a",
            "label": "表",
            "type": "table",
            "columns": [{"key": "b", "label": "表中表", "type": "table", "columns": []}],
        },
        {"key": "a", "label": "人数", "type": "formula"},
    ],
)
def test_a_field_that_makes_no_sense_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FormFields.model_validate({"fields": [field]})


def test_keys_are_distinct() -> None:
    field = {"key": "a", "label": "人数", "type": "number"}
    with pytest.raises(ValidationError):
        FormFields.model_validate({"fields": [field, field]})
