"""Columns of the table of units, and what is valid in one row. Pure.

A message is for the person who made the file: it names the column and says what to do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from contracts.vocabulary import Kind, Level, Stage, Vocabulary

Cell = str | int | float | bool | datetime | date | time | timedelta | None
"""A cell as a reader of Excel or CSV returns it."""

MOST_ROWS = 1_000_000
MOST_CHARACTERS = 500
"""The longest text of a cell that is kept."""
HEADING_WITHIN = 10
"""The heading is one of the first rows."""

_EXACT_DIGITS = 15
"""Excel keeps this many digits of a number."""
_CODE = re.compile(r"[A-Za-z0-9_]{4,32}")
_REGION = re.compile(r"\d{6}")
_DUTY_PHONE = re.compile(
    r"0\d{2,3}-?\d{7,8}(-\d{1,6})?|[48]00-?\d{3}-?\d{4}|1\d{4}|9\d{4,5}|[2-8]\d{6,7}", re.ASCII
)
_BETWEEN = re.compile(r"[、,，;；/\s]+")
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")
_EXCEL_ERROR = re.compile(r"#(REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Column:
    """A column: its name, its heading, and whether a file must have it."""

    name: str
    heading: str
    required: bool = False
    example: str = ""


COLUMNS = (
    Column("code", "单位代码", required=True, example="S3701029001"),
    Column("parent_code", "上级单位代码", required=True, example="370102"),
    Column("name", "单位名称", required=True, example="济南市历下区新建小学"),
    Column("short_name", "简称", example="新建小学"),
    Column("level", "层级", required=True, example="学校"),
    Column("kind", "类别", required=True, example="学校"),
    Column("stages", "学段", required=True, example="义务教育"),
    Column("region_code", "行政区划代码", example="370102"),
    Column("duty_phone", "值班电话", example="0531-86012345"),
    Column("address", "地址", example="济南市历下区解放东路 1 号"),
)
HEADINGS = tuple(column.heading for column in COLUMNS)
REASON = "原因"
"""The heading of the additional column in a file of failed rows."""


@dataclass
class Row:
    """One row of a file: texts by column, blank ones None, and everything that is wrong with it."""

    number: int
    values: dict[str, str | None]
    stages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def heading_of(cells: Sequence[Cell]) -> dict[str, int] | None:
    """Return the position of each known column in a row of headings; None if it is no heading.

    A heading names at least the code and the name; spaces and a mark of required columns are ignored.
    """
    found: dict[str, int] = {}
    by_heading = {column.heading: column.name for column in COLUMNS}
    for position, cell in enumerate(cells):
        if isinstance(cell, str):
            name = by_heading.get(re.sub(r"[\s*＊]|（.*?）|\(.*?\)", "", cell.removeprefix("\ufeff")))
            if name is not None and name not in found:
                found[name] = position
    return found if {"code", "name"} <= found.keys() else None


def missing(columns: Mapping[str, int]) -> list[str]:
    """Return the headings of required columns that a file does not have."""
    return [column.heading for column in COLUMNS if column.required and column.name not in columns]


def is_blank(cells: Sequence[Cell]) -> bool:
    """Return whether a row has no content."""
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def row_of(
    number: int,
    cells: Sequence[Cell],
    columns: Mapping[str, int],
    regions: Mapping[str, object],
    *,
    merged: bool = False,
) -> Row:
    """Read and judge one row; `regions` are the known division codes."""
    row = Row(number, {})
    if merged:
        row.errors.append("该行有合并的单元格，请取消合并后逐行填写")
    for column in COLUMNS:
        position = columns.get(column.name)
        cell = cells[position] if position is not None and position < len(cells) else None
        row.values[column.name] = _text(cell, column, row.errors)
    values = row.values
    _require(row, "code", _CODE, "须为 4 至 32 位字母、数字或下划线")
    _match(row, "parent_code", re.compile(r"[A-Za-z0-9_]{1,64}"), "只能包含字母、数字或下划线")
    _length(row, "name", 2, 100, required=True)
    _length(row, "short_name", 2, 50)
    _length(row, "address", 2, 200)
    values["level"] = _word(row, "level", Level)
    values["kind"] = _word(row, "kind", Kind)
    row.stages = _stages(row)
    region = values["region_code"]
    if region is not None and (not _REGION.fullmatch(region) or region not in regions):
        row.errors.append(f"“行政区划代码”{region} 不存在（GB/T 2260 的六位代码）")
    _match(row, "duty_phone", _DUTY_PHONE, "须为固定电话或服务号码，不能填写个人手机号")
    return row


def escaped(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_START) else text


def unescaped(text: str) -> str:
    """Return the text of `escaped`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA_START) else text


def _text(cell: Cell, column: Column, errors: list[str]) -> str | None:
    """Return the text of a cell; None if it is blank or unusable."""
    heading = column.heading
    match cell:
        case None:
            return None
        case bool():
            errors.append(f"“{heading}”是逻辑值，请设为文本格式后重新填写")
            return None
        case datetime() | date() | time() | timedelta():
            errors.append(f"“{heading}”被识别为日期，请设为文本格式后重新填写")
            return None
        case float() | int():
            return _digits(cell, heading, errors)
        case str():
            pass
    text = unescaped(cell.strip())
    if _EXCEL_ERROR.fullmatch(text):
        errors.append(f"“{heading}”的公式有错误（{text}）")
        return None
    if _CONTROL.search(text):
        errors.append(f"“{heading}”含有不可见的控制字符")
        text = _CONTROL.sub("", text)
    if len(text) > MOST_CHARACTERS:
        errors.append(f"“{heading}”过长")
        text = text[:MOST_CHARACTERS]
    return text or None


def _digits(number: float, heading: str, errors: list[str]) -> str | None:
    if number != int(number) if abs(number) < 1e16 else True:
        errors.append(f"“{heading}”是数值 {number:.10g}，请设为文本格式后重新填写")
        return None
    text = str(int(number))
    if len(text.lstrip("-")) > _EXACT_DIGITS:
        errors.append(f"“{heading}”是超过 15 位的数值，Excel 已丢失末尾数字，请设为文本格式后重新填写")
        return None
    return text


def _heading(name: str) -> str:
    return next(column.heading for column in COLUMNS if column.name == name)


def _require(row: Row, name: str, pattern: re.Pattern[str], rule: str) -> None:
    if row.values[name] is None:
        _missing(row, name)
    else:
        _match(row, name, pattern, rule)


def _missing(row: Row, name: str) -> None:
    heading = _heading(name)
    # An unusable cell has its own message.
    if not any(error.startswith(f"“{heading}”") for error in row.errors):
        row.errors.append(f"缺少“{heading}”")


def _match(row: Row, name: str, pattern: re.Pattern[str], rule: str) -> None:
    value = row.values[name]
    if value is not None and not pattern.fullmatch(value):
        row.errors.append(f"“{_heading(name)}”{rule}")


def _length(row: Row, name: str, least: int, most: int, *, required: bool = False) -> None:
    value = row.values[name]
    if value is None:
        if required:
            _missing(row, name)
    elif not least <= len(value) <= most:
        row.errors.append(f"“{_heading(name)}”须为 {least} 至 {most} 个字")


def _word(row: Row, name: str, words: type[Vocabulary]) -> str | None:
    value = row.values[name]
    if value is None:
        _missing(row, name)
        return None
    found = _known(value, words)
    if found is None:
        labels = "、".join(word.label for word in words)
        row.errors.append(f"“{_heading(name)}”{value[:20]} 不正确，可填：{labels}")
    return found


def _stages(row: Row) -> list[str]:
    value = row.values["stages"]
    if value is None:
        _missing(row, "stages")
        return []
    parts = [part for part in _BETWEEN.split(value) if part]
    found = [_known(part, Stage) for part in parts]
    unknown = [part for part, stage in zip(parts, found, strict=True) if stage is None]
    if unknown:
        labels = "、".join(stage.label for stage in Stage)
        row.errors.append(f"“学段”{'、'.join(unknown)[:40]} 不正确，可填：{labels}")
    return [stage.value for stage in Stage if stage.value in found]


def _known(text: str, words: type[Vocabulary]) -> str | None:
    plain = text.replace("/", "／")
    return next((word.value for word in words if plain in (word.label, word.value)), None)
