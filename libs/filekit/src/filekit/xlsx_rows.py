"""The rows of a sheet, read in steps of bounded work and memory, whatever the workbook holds.

A library that returns the cells of a sheet holds them all, and the rectangle of two cells in opposite
corners has 17 billion (docs/adr/0024-unit-imports.md). Here, the sheet is parsed while it is unpacked, and
shared strings are in a temporary file. Formulas, dates and numbers that have lost digits are reported: they
are not what the sender sees or means.
"""

import mmap
import re
import zipfile
from array import array
from collections.abc import Callable, Generator
from contextlib import ExitStack
from decimal import Decimal, InvalidOperation
from typing import IO, BinaryIO

from filekit.errors import MalformedWorkbook, SeveralSheets, SheetMissing, WorkbookTooLarge
from filekit.rows import Row
from filekit.spool import temporary_file
from filekit.xlsx_parts import DAMAGED, MAX_UNPACKED, Parts, Sheet, parser, parts_of

STEP_ROWS = 2_000
STEP_BYTES = 1024 * 1024
"""The most that one step reads, give or take one block."""
_BLOCK = 64 * 1024

MAX_ROW = 1_048_576
MAX_COLUMNS = 256
MAX_TEXT = 32_767
MAX_STRINGS = 12_000_000
_MOST_DIGITS = 15
"""Excel keeps so many digits of a number."""

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_AREA = re.compile(r"[A-Z]{1,3}(\d{1,7}):[A-Z]{1,3}(\d{1,7})")
_DIGITS = "0123456789"
FORMULA = "是公式，且没有保存结果，请粘贴为数值"
DATE = "被识别为日期，请设为文本格式后重新填写"
TRUTH = "是逻辑值，请设为文本格式后重新填写"
ERROR = "的公式有错误"
LOST_DIGITS = "是超过 15 位的数值，Excel 已丢失末尾数字，请设为文本格式后重新填写"


class SharedStrings:
    """The strings of a workbook, in a temporary file: the table has no bound of its own."""

    def __init__(self, file: BinaryIO, part: IO[bytes]) -> None:
        self._file = file
        self._part = part
        self._ends = array("Q", [0])
        self._pieces: list[str] = []
        self._length = 0
        self._inside = self._phonetic = False
        self._map: mmap.mmap | None = None
        self._parser = parser(self._start)
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def step(self) -> bool:
        """Read on; return whether all strings have been read."""
        taken = 0
        while taken < STEP_BYTES:
            block = self._part.read(_BLOCK)
            taken += len(block)
            self._parser.Parse(block, not block)
            if not block:
                self._file.flush()
                if self._ends[-1]:
                    self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
                return True
        return False

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self._ends) - 1:
            raise MalformedWorkbook
        first, last = self._ends[index], self._ends[index + 1]
        return "" if self._map is None else self._map[first:last].decode()

    def close(self) -> None:
        """Release the file."""
        if self._map is not None:
            self._map.close()

    def _start(self, tag: str, _: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "si":
            self._pieces, self._length = [], 0
        elif tag == "rPh":
            self._phonetic = True
        elif tag == "t":
            self._inside = not self._phonetic

    def _end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "t":
            self._inside = False
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "si":
            if len(self._ends) > MAX_STRINGS:
                raise WorkbookTooLarge
            text = _plain("".join(self._pieces)).encode()
            self._file.write(text)
            self._ends.append(self._ends[-1] + len(text))

    def _characters(self, text: str) -> None:
        if self._inside:
            self._length += len(text)
            if self._length > MAX_TEXT:
                raise MalformedWorkbook("有单元格的内容超过 32767 个字符。")
            self._pieces.append(text)


class _SheetParser:
    """Collects the rows of a sheet."""

    def __init__(self, strings: SharedStrings | None, date_styles: frozenset[str]) -> None:
        self.rows: list[Row] = []
        self.merged: set[int] = set()
        self._strings = strings
        self._dates = date_styles
        self._columns: dict[str, int] = {}
        self.number = 0
        self._fields: list[str] = []
        self._faults: list[tuple[int, str]] = []
        self._column = -1
        self._type = self._style = ""
        self._formula = self._inside = self._phonetic = False
        self._pieces: list[str] = []
        self._length = 0
        self.xml = parser(self._start)
        self.xml.EndElementHandler = self._end
        self.xml.CharacterDataHandler = self._characters

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if ":" in tag:
            tag = tag.rpartition(":")[2]
        if tag == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._column_of(reference)
            self._type = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._formula = False
            self._pieces, self._length = [], 0
        elif tag in ("v", "t"):
            self._inside = not self._phonetic
        elif tag == "f":
            self._formula = True
        elif tag == "rPh":
            self._phonetic = True
        elif tag == "row":
            number = attributes.get("r")
            following = self.number + 1 if number is None else int(number) if number.isdecimal() else 0
            if not self.number < following <= MAX_ROW:
                raise MalformedWorkbook
            self.number, self._column, self._fields, self._faults = following, -1, [], []
        elif tag == "mergeCell":
            self._merge(attributes.get("ref", ""))

    def _end(self, tag: str) -> None:
        if ":" in tag:
            tag = tag.rpartition(":")[2]
        if tag in ("v", "t"):
            self._inside = False
        elif tag == "c":
            self._cell()
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "row" and any(self._fields):
            self.rows.append(Row(self.number, self._fields, self._faults))

    def _characters(self, text: str) -> None:
        if self._inside:
            self._length += len(text)
            if self._length > MAX_TEXT:
                raise MalformedWorkbook("有单元格的内容超过 32767 个字符。")
            self._pieces.append(text)

    def _merge(self, reference: str) -> None:
        found = _AREA.fullmatch(reference)
        if found is None:
            raise MalformedWorkbook
        first, last = int(found[1]), int(found[2])
        self.merged.update(range(first, min(last, MAX_ROW) + 1))

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip(_DIGITS)
        column = self._columns.get(letters)
        if column is None:
            if not (1 <= len(letters) <= 3 and letters.isascii() and letters.isupper()):
                raise MalformedWorkbook
            column = 0
            for letter in letters:
                column = column * 26 + ord(letter) - 64
            column -= 1
            self._columns[letters] = column
        if column <= self._column:
            raise MalformedWorkbook
        return column

    def _cell(self) -> None:
        text, fault = "".join(self._pieces), ""
        if self._type == "s" and text:
            if self._strings is None or not text.strip().isdecimal():
                raise MalformedWorkbook
            text = self._strings[int(text)]
        elif self._type == "n":
            if text:
                text, fault = _number(text, date=self._style in self._dates)
        elif self._type == "b":
            fault = TRUTH
        elif self._type == "e":
            fault = ERROR
        elif self._type == "d":
            fault = DATE
        else:
            text = _plain(text)
        if self._formula and not text:
            fault, text = FORMULA, "="
        if not text:
            return
        if self._column >= MAX_COLUMNS:
            raise MalformedWorkbook(f"第 {self.number} 行超过 {MAX_COLUMNS} 列。")
        fields = self._fields
        fields.extend([""] * (self._column - len(fields)))
        fields.append(text)
        if fault:
            self._faults.append((self._column, fault))


Steps = Generator[list[Row], None, None]


class XlsxRows:
    """Reads one sheet. Every method blocks: call it in a thread. `close` it.

    The sheet is the visible one of whose first `within` rows one is `wanted`. `merged` has, at the end, the
    numbers of rows with merged cells.
    """

    def __init__(self, file: BinaryIO, wanted: Callable[[list[str]], bool], within: int = 1) -> None:
        self._file = file
        self._wanted = wanted
        self._within = within
        self._open = ExitStack()
        self._steps = self._read()
        self._unpacked = 0
        self.merged: set[int] = set()
        self.ended = False

    def step(self) -> list[Row]:
        """Return the rows of one step that are not empty; may be none before the end.

        Raises the errors of `filekit.errors` that are `WorkbookRefused`.
        """
        try:
            rows = next(self._steps, None)
        except DAMAGED as error:
            raise MalformedWorkbook from error
        if rows is None:
            self.ended = True
            return []
        return rows

    def close(self) -> None:
        """Close the parts and delete temporary files; the workbook itself stays open."""
        self._steps.close()
        self._open.close()

    def _read(self) -> Steps:
        archive = self._open.enter_context(zipfile.ZipFile(self._file))
        parts = parts_of(archive)
        yield []
        strings = None
        if parts.shared_strings is not None:
            part = self._open.enter_context(archive.open(parts.shared_strings))
            strings = SharedStrings(self._open.enter_context(temporary_file()), part)
            self._open.callback(strings.close)
            while not strings.step():
                yield []
        chosen: list[Sheet] = []
        for sheet in parts.sheets:
            if sheet.visible:
                found = yield from self._is_wanted(archive, parts, sheet, strings)
                chosen += [sheet] if found else []
        if len(chosen) != 1:
            raise SeveralSheets(_names(chosen)) if chosen else SheetMissing
        reading = _SheetParser(strings, parts.date_styles)
        yield from self._rows(archive, chosen[0], reading)
        self.merged = reading.merged

    def _is_wanted(
        self, archive: zipfile.ZipFile, parts: Parts, sheet: Sheet, strings: SharedStrings | None
    ) -> Generator[list[Row], None, bool]:
        """Return whether one of the first rows is wanted; what is read for that is yielded as empty steps."""
        reading = _SheetParser(strings, parts.date_styles)
        for rows in self._rows(archive, sheet, reading):
            if any(row.number <= self._within and self._wanted(row.fields) for row in rows):
                return True
            if reading.number > self._within:
                return False
            yield []
        return False

    def _rows(self, archive: zipfile.ZipFile, sheet: Sheet, reading: _SheetParser) -> Steps:
        taken = 0
        with archive.open(sheet.part) as part:
            while block := part.read(_BLOCK):
                taken += len(block)
                self._unpacked += len(block)
                if self._unpacked > MAX_UNPACKED:
                    raise WorkbookTooLarge
                reading.xml.Parse(block)
                if taken >= STEP_BYTES or len(reading.rows) >= STEP_ROWS:
                    yield reading.rows
                    reading.rows, taken = [], 0
        reading.xml.Parse(b"", True)
        yield reading.rows


def _names(sheets: list[Sheet]) -> str:
    names = "、".join(sheet.name[:31] for sheet in sheets[:10])
    return f"工作簿有多个工作表都有表头（{names}），请只保留一个。"


def _plain(text: str) -> str:
    """Decode `_x000D_` (ECMA-376-1 §22.9.2.19)."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _number(text: str, *, date: bool) -> tuple[str, str]:
    """Return a number as people write it, and what is wrong with it."""
    if date:
        return text, DATE
    if text.isdecimal() and len(text) <= _MOST_DIGITS:
        return text, ""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise MalformedWorkbook from error
    if not value.is_finite() or abs(value.adjusted()) > 300:
        return text, ERROR
    if value != value.to_integral_value():
        return f"{value.normalize():f}", ""
    whole = f"{value.to_integral_value():f}"
    return whole, LOST_DIGITS if len(whole.lstrip("-")) > _MOST_DIGITS else ""
