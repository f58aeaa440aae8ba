"""Whether values fit a form. Pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from office.forms.fields import (
    MAX_NUMBER,
    AnyField,
    AttachmentField,
    ChoiceField,
    DateField,
    MultiChoiceField,
    NumberField,
    TableField,
    TextField,
)

Values = dict[str, Any]
"""What was filled in, by the keys of the fields; empty fields are left out."""


Place = tuple[str | int, ...]
"""The way to a value: the keys of fields, and the indexes of rows."""


@dataclass
class Checked:
    """The values as they are stored, and what is wrong with them: place and Chinese text."""

    values: Values = field(default_factory=dict)
    problems: list[tuple[Place, str]] = field(default_factory=list)


def words(fields: Sequence[AnyField]) -> Iterator[str]:
    """Return each text of a form that people read."""
    for one in fields:
        yield one.label
        if one.help is not None:
            yield one.help
        if isinstance(one, NumberField) and one.unit is not None:
            yield one.unit
        if isinstance(one, ChoiceField | MultiChoiceField):
            yield from one.options
        if isinstance(one, TableField):
            yield from words(one.columns)


def check(fields: Sequence[AnyField], given: Mapping[str, Any], *, complete: bool) -> Checked:
    """Check the values of a form; only with `complete` must required fields be filled in."""
    checked = Checked()
    _check(fields, given, (), checked.values, checked, complete)
    return checked


def _check(
    fields: Sequence[AnyField],
    given: Mapping[str, Any],
    above: Place,
    into: Values,
    checked: Checked,
    complete: bool,
) -> None:
    known = {one.key for one in fields}
    checked.problems += [((*above, key), "表单没有该字段") for key in given if key not in known]
    for one in fields:
        place, value = (*above, one.key), given.get(one.key)
        if value is None or value in ("", []):
            if complete and one.required:
                checked.problems.append((place, f"请填写“{one.label}”"))
            continue
        if isinstance(one, TableField):
            _rows(one, value, place, into, checked, complete)
            continue
        try:
            stored = _value(one, value)
        except _WrongError as wrong:
            checked.problems.append((place, str(wrong)))
        else:
            into[one.key] = stored


class _WrongError(Exception):
    """What is wrong, for users."""


def _rows(
    one: TableField, value: object, place: Place, into: Values, checked: Checked, complete: bool
) -> None:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        checked.problems.append((place, "应为多行数据"))
        return
    if len(value) > one.max_rows:
        checked.problems.append((place, f"最多填写 {one.max_rows} 行"))
        return
    rows: list[Values] = []
    for index, row in enumerate(value):
        stored: Values = {}
        _check(one.columns, row, (*place, index), stored, checked, complete)
        if stored:
            rows.append(stored)
    if rows:
        into[one.key] = rows
    elif complete and one.required:
        checked.problems.append((place, f"请填写“{one.label}”"))


def _value(one: AnyField, value: object) -> Any:
    if isinstance(one, TextField):
        return _text(one, value)
    if isinstance(one, NumberField):
        return _number(one, value)
    if isinstance(one, DateField):
        return _date(one, value)
    if isinstance(one, ChoiceField):
        if value not in one.options:
            raise _WrongError("不是可选的选项")
        return value
    if isinstance(one, MultiChoiceField):
        return _choices(one, value)
    assert isinstance(one, AttachmentField)
    return _files(one, value)


def _text(one: TextField, value: object) -> str:
    if not isinstance(value, str):
        raise _WrongError("应为文字")
    text = value.strip()
    if len(text) > one.max_length:
        raise _WrongError(f"最多填写 {one.max_length} 字")
    allowed = "\n\t" if one.multiline else ""
    if any((ord(c) < 0x20 and c not in allowed) or 0xD800 <= ord(c) < 0xE000 or c == "\x7f" for c in text):
        raise _WrongError("含有不能保存的字符")
    return text


def _number(one: NumberField, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _WrongError("应为数字")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _WrongError("应为数字") from None
    if not number.is_finite() or abs(number) >= MAX_NUMBER:
        raise _WrongError("数字超出范围")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > one.decimals:
        raise _WrongError(f"最多 {one.decimals} 位小数" if one.decimals else "应为整数")
    if one.minimum is not None and number < (least := Decimal(str(one.minimum))):
        raise _WrongError(f"不能小于 {least.normalize():f}")
    if one.maximum is not None and number > (most := Decimal(str(one.maximum))):
        raise _WrongError(f"不能大于 {most.normalize():f}")
    return int(number) if number == number.to_integral_value() else float(number)


def _date(one: DateField, value: object) -> str:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        day = None
    if day is None:
        raise _WrongError("应为日期，如 2023-05-10")
    if one.earliest is not None and day < one.earliest:
        raise _WrongError(f"不能早于 {one.earliest}")
    if one.latest is not None and day > one.latest:
        raise _WrongError(f"不能晚于 {one.latest}")
    return day.isoformat()


def _choices(one: MultiChoiceField, value: object) -> list[str]:
    if not isinstance(value, list) or any(choice not in one.options for choice in value):
        raise _WrongError("含有不可选的选项")
    chosen = [option for option in one.options if option in value]
    if one.max_choices is not None and len(chosen) > one.max_choices:
        raise _WrongError(f"最多选 {one.max_choices} 项")
    return chosen


def _files(one: AttachmentField, value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > one.max_files:
        raise _WrongError(f"最多 {one.max_files} 个文件")
    try:
        return list(dict.fromkeys(str(UUID(file)) for file in value))
    except (ValueError, AttributeError, TypeError):
        raise _WrongError("应为文件标识") from None


def file_keys(fields: Sequence[AnyField]) -> list[str]:
    """Return the keys of the fields that hold files."""
    return [one.key for one in fields if isinstance(one, AttachmentField)]


def files(fields: Sequence[AnyField], values: Values | None) -> list[UUID]:
    """Return the files in stored values, in the order of the fields."""
    return [UUID(file) for key in file_keys(fields) for file in (values or {}).get(key, ())]


def file_places(fields: Sequence[AnyField], values: Values) -> dict[UUID, Place]:
    """Return where each file stands in stored values, in the order of the fields."""
    return {
        UUID(file): (key, index)
        for key in file_keys(fields)
        for index, file in enumerate(values.get(key, ()))
    }


def texts(values: Values) -> Iterator[str]:
    """Yield every text in stored values."""
    for value in values.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from texts(part)
            elif isinstance(part, str):
                yield part
