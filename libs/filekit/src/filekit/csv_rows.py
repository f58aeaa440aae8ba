"""The rows of a CSV file, read in steps of bounded work, whatever it holds."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from filekit.errors import MalformedCsv, UnknownEncoding
from filekit.spool import BLOCK

MAX_RECORD = 128 * 1024
"""Characters of one row, quoted line breaks included."""

STEP_ROWS = 5_000
STEP_LINES = 50_000
STEP_CHARACTERS = 1024 * 1024
"""The most that one step reads, give or take one row."""

Line = tuple[int, list[str]]
"""The number of a row's first line, and its fields."""

_EMPTY = frozenset(("\n", "\r\n", "\r"))
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", b"\x84\x31\x95\x33": "gb18030"}
"""The byte order mark in UTF-8 and in GB18030."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Lines(Iterator[str]):
    """Lines of a text for `csv.reader`, each limited to the remaining length of its record."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._first: str | None = None
        self._left = 0
        self.lines = 0
        self.characters = 0

    def begin(self, limit: int) -> bool:
        """Find the first line of the next record; return False after `limit` empty lines."""
        readline, self._left, skipped = self._text.readline, MAX_RECORD, 0
        while skipped < limit:
            line = readline(MAX_RECORD + 1)
            if line not in _EMPTY:
                self._first = line
                break
            skipped += 1
        self.lines += skipped
        self.characters += skipped
        return skipped < limit

    def __next__(self) -> str:
        line, self._first = self._first, None
        if line is None:
            line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        self._left -= len(line)
        self.lines += 1
        self.characters += len(line)
        if self._left < 0:
            raise csv.Error("record too long")
        return line


class CsvRows:
    """Reads rows. Every method blocks: call it in a thread."""

    def __init__(self, file: BinaryIO, codec: str) -> None:
        file.seek(0)
        # Never closed: closing it would also close the file, which the caller owns.
        self._lines = _Lines(io.TextIOWrapper(file, encoding=codec, newline=""))
        self._reader = csv.reader(self._lines)
        self.ended = False

    @property
    def lines(self) -> int:
        """Return the number of lines read so far."""
        return self._lines.lines

    def step(self) -> list[Line]:
        """Return the rows of one step that are not empty; may be none before the end.

        Raises `MalformedCsv`.
        """
        rows: list[Line] = []
        source = self._lines
        last_line, last_character = source.lines + STEP_LINES, source.characters + STEP_CHARACTERS
        while len(rows) < STEP_ROWS and source.characters < last_character:
            if not source.begin(last_line - source.lines):
                break
            line = source.lines + 1
            try:
                fields = next(self._reader, None)
            except csv.Error as error:
                raise MalformedCsv(f"第 {line} 行不是有效的 CSV，或过长。") from error
            if fields is None:
                self.ended = True
                break
            if any(field.strip() for field in fields):
                rows.append((line, fields))
        return rows


def codec_of(file: BinaryIO) -> str:
    """Return Python's codec of a text: UTF-8 or GB18030, with or without byte order mark.

    Reads the file, in blocks: call it in a thread. Raises `UnknownEncoding`.
    """
    file.seek(0)
    head = file.read(4)
    if head.startswith(_UTF16):
        raise UnknownEncoding("文件是 UTF-16 编码（“Unicode 文本”），请另存为“CSV UTF-8”后重新上传。")
    for mark, codec in _MARKS.items():
        if head.startswith(mark):
            if not _decodes(file, codec):
                raise UnknownEncoding
            return codec
    for codec in ("utf-8", "gb18030"):
        if _decodes(file, codec):
            return codec
    raise UnknownEncoding


def is_ascii(file: BinaryIO) -> bool:
    """Return whether a text is the same in UTF-8 and in GB18030. Reads the file: call it in a thread."""
    return _decodes(file, "ascii")


def _decodes(file: BinaryIO, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    file.seek(0)
    try:
        while block := file.read(BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
