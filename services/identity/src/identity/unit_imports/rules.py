"""Columns of the table of units, and what is valid in one row. Pure.

A message is for the person who made the file: it names the column and says what to do.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.vocabulary import Kind, Level, Stage, UnitStatus, Vocabulary
from filekit.cells import cleaned
from filekit.rows import Row as Line

MOST_ROWS = 1_000_000
MOST_CHARACTERS = 500
"""The longest text of a cell that is kept."""
HEADING_WITHIN = 10
"""The heading is one of the first rows."""

_MOST_HEADINGS = 64
"""Columns of a file that are kept for the file of failed rows."""
_CODE = re.compile(r"[A-Za-z0-9_]{4,32}")
_REGION = re.compile(r"\d{6}")
_DUTY_PHONE = re.compile(
    r"0\d{2,3}-?\d{7,8}(-\d{1,6})?|[48]00-?\d{3}-?\d{4}|1\d{4}|9\d{4,5}|[2-8]\d{6,7}", re.ASCII
)
_BETWEEN = re.compile(r"[、,，;；/／\s|]+")
_EXCEL_ERROR = re.compile(r"#(REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Column:
    """A column: its name, its heading, and whether a file must have it."""

    name: str
    heading: str
    required: bool = False
    example: str = ""
    removable: bool = False
    narrow: bool = False
    """Full-width digits, letters and punctuation mean the same as others."""


COLUMNS = (
    Column("code", "单位代码", required=True, example="S3701029001", narrow=True),
    Column("parent_code", "上级单位代码", required=True, example="370102", narrow=True),
    Column("name", "单位名称", required=True, example="济南市历下区新建小学"),
    Column("short_name", "简称", example="新建小学"),
    Column("level", "层级", required=True, example="学校"),
    Column("kind", "类别", required=True, example="学校"),
    Column("stages", "学段", required=True, example="义务教育"),
    Column("region_code", "行政区划代码", example="370102", narrow=True),
    Column("duty_phone", "值班电话", example="0531-86012345", removable=True, narrow=True),
    Column("address", "地址", example="济南市历下区解放东路 1 号", removable=True),
    Column("status", "状态", example="正常"),
)
HEADING_OF = {column.name: column.heading for column in COLUMNS}
REMOVE = "无"
"""What removes a duty phone or an address; a blank field keeps it. Read as an empty text."""
HEADINGS = tuple(column.heading for column in COLUMNS)
REASON, NUMBER, RESULT = "原因", "行号", "结果"
"""The headings of the additional columns in the files of an import."""
MERGED = "该行有合并的单元格，请取消合并后逐行填写"
_ADDED = {REASON, NUMBER, RESULT}
_MOST_TEXT = 64


@dataclass
class Row:
    """One row of a file: texts by column, blank ones None, and everything that is wrong with it."""

    number: int
    values: dict[str, str | None]
    raw: list[str] = field(default_factory=list)
    """All fields as they were sent, in the order of the file's headings."""
    stages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def _plain(heading: str) -> str:
    """Return a heading without spaces, remarks in brackets, stars and colons, whatever their width."""
    narrow = unicodedata.normalize("NFKC", cleaned(heading))
    return re.sub(r"[\s*:]|\(.*?\)|\[.*?\]", "", narrow)


_BY_HEADING = {column.heading: column.name for column in COLUMNS} | {
    column.name: column.name for column in COLUMNS
}


def explanations() -> list[list[str]]:
    """Return a sheet that explains the columns to those who fill them in."""
    said = {
        "code": "4 至 32 位字母、数字或下划线，全国唯一，设立后不变。按代码判断是新增还是变更",
        "parent_code": "已有单位或本文件中另一行的代码，次序不限；填另一单位即变更隶属关系",
        "name": "2 至 100 个字",
        "short_name": "2 至 50 个字；新单位不填时取名称",
        "level": f"{_labels(Level)}；必须低于上级单位，设立后不能变更",
        "kind": f"{_labels(Kind)}；设立后不能变更",
        "stages": f"一个或多个，用顿号分隔：{_labels(Stage)}",
        "region_code": "GB/T 2260 的六位代码；新单位不填时与上级单位相同",
        "duty_phone": f"固定电话（带区号）或服务号码，不能填写个人手机号；填“{REMOVE}”表示删除",
        "address": f"2 至 200 个字；填“{REMOVE}”表示删除",
        "status": f"{_labels(UnitStatus)}；只供核对，撤销单位不能通过导入办理",
    }
    return [
        ["列", "必填", "说明"],
        *([column.heading, "是" if column.required else "", said[column.name]] for column in COLUMNS),
        [],
        ["单元格请保持文本格式，不要合并单元格。不填的单元格保持单位现有的内容不变。"],
        ["上传后先校验，不变更任何单位；看过校验结果并确认后才导入。示例行请在填写前删除。"],
    ]


def _labels(words: type[Vocabulary]) -> str:
    return "、".join(word.label for word in words)


def heading_of(cells: Sequence[str]) -> dict[str, int] | None:
    """Return the position of each known column in a row of headings; None if it is no heading.

    A heading names at least the code and the name; spaces and a mark of required columns are ignored.
    """
    found: dict[str, int] = {}
    for position, cell in enumerate(cells[:_MOST_HEADINGS]):
        name = _BY_HEADING.get(_plain(cell))
        if name is not None and name not in found:
            found[name] = position
    return found if {"code", "name"} <= found.keys() else None


def repeated(cells: Sequence[str]) -> list[str]:
    """Return the headings of columns that a file has twice."""
    names = [_BY_HEADING.get(_plain(cell)) for cell in cells]
    return [column.heading for column in COLUMNS if names.count(column.name) > 1]


def headings_of(cells: Sequence[str]) -> list[str]:
    """Return the headings of a file as they were sent, without empty ones at the end."""
    headings = [cleaned(cell)[:_MOST_TEXT] for cell in cells[:_MOST_HEADINGS]]
    while headings and not headings[-1]:
        headings.pop()
    return headings


def kept(headings: Sequence[str]) -> list[int]:
    """Return the positions of the columns that do not come from an earlier file of failed rows."""
    return [position for position, heading in enumerate(headings) if _plain(heading) not in _ADDED]


def missing(columns: Mapping[str, int]) -> list[str]:
    """Return the headings of required columns that a file does not have."""
    return [column.heading for column in COLUMNS if column.required and column.name not in columns]


def row_of(line: Line, columns: Mapping[str, int], regions: Mapping[str, object], width: int) -> Row:
    """Read and judge one row; `regions` are the known division codes, `width` the number of headings."""
    texts = [cleaned(text) for text in line.fields]
    row = Row(line.number, {}, [_CONTROL.sub("\ufffd", text)[:MOST_CHARACTERS] for text in texts[:width]])
    row.raw.extend([""] * (width - len(row.raw)))
    faults = dict(line.faults)
    for column in COLUMNS:
        position = columns.get(column.name, -1)
        if position in faults:
            row.errors.append(f"“{column.heading}”{faults[position]}")
            row.values[column.name] = None
        else:
            text = texts[position] if 0 <= position < len(texts) else ""
            row.values[column.name] = _text(text, column, row.errors)
    if any(texts[width:]):
        row.errors.append("比表头多出内容")
    values = row.values
    _require(row, "code", _CODE, "须为 4 至 32 位字母、数字或下划线")
    _match(row, "parent_code", re.compile(r"[A-Za-z0-9_]{1,64}"), "只能包含字母、数字或下划线")
    _length(row, "name", 2, 100, required=True)
    _length(row, "short_name", 2, 50)
    _length(row, "address", 2, 200)
    values["level"] = _word(row, "level", Level)
    values["kind"] = _word(row, "kind", Kind)
    if values["status"] is not None:
        values["status"] = _word(row, "status", UnitStatus)
    row.stages = _stages(row)
    region = values["region_code"]
    if region is not None and (not _REGION.fullmatch(region) or region not in regions):
        row.errors.append(f"“行政区划代码”{region} 不存在（GB/T 2260 的六位代码）")
    _match(row, "duty_phone", _DUTY_PHONE, "须为固定电话或服务号码，不能填写个人手机号")
    return row


def _text(text: str, column: Column, errors: list[str]) -> str | None:
    """Return the text of a field; None if it is blank."""
    heading = column.heading
    if _EXCEL_ERROR.fullmatch(text):
        errors.append(f"“{heading}”的公式有错误（{text}）")
        return None
    if _CONTROL.search(text):
        errors.append(f"“{heading}”含有换行或不可见的控制字符")
        text = _CONTROL.sub("", text)
    if len(text) > MOST_CHARACTERS:
        errors.append(f"“{heading}”过长")
        text = text[:MOST_CHARACTERS]
    if column.removable and text == REMOVE:
        return ""
    if column.narrow:
        text = unicodedata.normalize("NFKC", text).replace(" ", "")
    return text or None


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
    if value and not pattern.fullmatch(value):
        row.errors.append(f"“{_heading(name)}”{rule}")


def _length(row: Row, name: str, least: int, most: int, *, required: bool = False) -> None:
    value = row.values[name]
    if value is None:
        if required:
            _missing(row, name)
    elif value and not least <= len(value) <= most:
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
