"""Rows of JSON lines: an object on each line, whose keys are names of columns."""

import json
from collections.abc import Sequence
from typing import BinaryIO, NoReturn

from cockpit.feeds.declarations import Feed
from cockpit.feeds.rules import RowError
from cockpit.intake.lines import MAX_LINE, Lines, NumberedLine
from cockpit.intake.members import MemberFile
from cockpit.intake.steps import Faulty, Step, shown, texts_of
from filekit.errors import EmptyFile
from servicekit.text import is_storable


class JsonReader:
    """Read a file in UTF-8. Numbers keep their digits: none goes through binary fractions."""

    encoding: str | None = "utf-8"
    files: Sequence[MemberFile] = ()

    def __init__(self, file: BinaryIO, feed: Feed) -> None:
        self._lines = Lines(file, "utf-8-sig")
        self._feed = feed
        self._first: list[NumberedLine] = []
        self._opened = False
        self.names = [column.name for column in feed.columns]
        self.headings = list(self.names)

    @property
    def opened(self) -> bool:
        """Return whether the first row has been read."""
        return self._opened

    @property
    def ended(self) -> bool:
        """Return whether all rows have been read."""
        return self._lines.ended and not self._first

    @property
    def rows(self) -> int:
        """Return the number of lines that are not blank."""
        return self._lines.found

    def open(self) -> None:
        """Take one step to read the first row. Raises `EmptyFile`."""
        self._first = self._lines.step()
        self._opened = bool(self._first)
        if self._lines.ended and not self._first:
            raise EmptyFile

    def take(self) -> Step:
        """Return the rows of one step; may be none before the end."""
        lines, self._first = self._first or self._lines.step(), []
        numbers: list[int] = []
        rows: list[list[str]] = []
        faulty: list[Faulty] = []
        for number, text in lines:
            try:
                rows.append(self._fields(text))
                numbers.append(number)
            except RowError as error:
                faulty.append(Faulty(number, [text], error))
        return Step(numbers, texts_of(self.names, rows), faulty)

    def close(self) -> None:
        """Nothing was opened."""

    def _fields(self, text: str) -> list[str]:
        if len(text) > MAX_LINE:
            raise RowError("line_too_long", f"这一行过长（最多 {MAX_LINE} 字）")
        try:
            pairs = json.loads(
                text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=_refuse
            )
        except (ValueError, RecursionError):
            raise RowError("bad_json", "不是有效的 JSON 对象，或不在一行内") from None
        if not isinstance(pairs, _Pairs):
            raise RowError("bad_json", "每行应是一个 JSON 对象")
        given: dict[str, str] = {}
        for key, value in pairs:
            name = self._feed.name_of(key)
            if name is None or name in given:
                raise RowError("unknown_field", f"未知或重复的字段“{shown(key)}”")
            if value is not None and not isinstance(value, str):
                raise RowError("bad_json", f"“{shown(key)}”应是文本或数字")
            if value is not None and not is_storable(value):
                raise RowError("bad_json", f"“{shown(key)}”含有无法保存的字符")
            given[name] = value or ""
        return [given.get(name, "") for name in self.names]


class _Pairs(list[tuple[str, object]]):
    """The members of an object, repeated ones included."""


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON (RFC 8259 §6)")
