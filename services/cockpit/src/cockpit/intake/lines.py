"""The lines of a CSV file, read strictly: one row is one line, whatever quotes it has.

RFC 4180 lets a quoted field go on in the next line, so one stray quote would swallow the rows up to the next
one. No column of a feed may have a line break; hence a quote that is not closed on its line makes this line
invalid, and no other.
"""

import csv
import re
from typing import BinaryIO, NamedTuple

from cockpit.feeds.rules import RowError

BLOCK_BYTES = 256 * 1024
"""What one step reads, give or take one line."""
MAX_LINE = 128 * 1024
"""Characters of a line; a longer one is invalid."""

_FIELD = r'(?:[^",]*|[ \t]*"(?:[^"]|"")*"[ \t]*)'
_STRICT = re.compile(rf"{_FIELD}(?:,{_FIELD})*")
_BLANK = re.compile(r'(?:""|[\s,])*')
_BOM = "\ufeff"


class NumberedLine(NamedTuple):
    """A line that is not blank, and its number in the file, from 1."""

    number: int
    text: str


class Lines:
    """Read the lines of a file that is valid in `codec`. `step` blocks: call it in a thread."""

    def __init__(self, file: BinaryIO, codec: str) -> None:
        file.seek(0)
        self._file = file
        self._codec = codec
        self._rest = b""
        self._cut: str | None = None
        self.read = 0
        self.found = 0
        self.ended = False

    def step(self) -> list[NumberedLine]:
        """Return the lines of the next block that are not blank; may be none before the end.

        `read` is the number of lines so far, `found` of those that are not blank.
        """
        block = self._file.read(BLOCK_BYTES)
        data = self._rest + block
        end = len(data)
        if block:
            # A line feed is never part of a longer character, in UTF-8 or in GB 18030.
            end = data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, -1) + 1
        else:
            self.ended = True
        self._rest = data[end:]
        lines = self._lines(data[:end])
        if len(self._rest) > MAX_LINE * 4:
            # Its beginning is enough to tell the sender which line it is.
            if self._cut is None:
                self._cut = self._rest[:MAX_LINE].decode(self._codec, "replace")
            self._rest = b""
        return lines

    def _lines(self, data: bytes) -> list[NumberedLine]:
        # Where a line that is too long was cut, a character may have been.
        text = data.decode(self._codec, "strict" if self._cut is None else "replace")
        if self.read == 0 and self._cut is None:
            text = text.removeprefix(_BOM)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        split = text.split("\n")
        if not split[-1]:
            split.pop()
        if self._cut is not None and (split or self.ended):
            # Long enough to be refused.
            split[:1] = [self._cut + "." * MAX_LINE]
            self._cut = None
        lines = [
            NumberedLine(number, line)
            for number, line in enumerate(split, start=self.read + 1)
            if not _BLANK.fullmatch(line)
        ]
        self.read += len(split)
        self.found += len(lines)
        return lines


def fields_of(line: str) -> list[str]:
    """Split a line into its fields (RFC 4180 §2). Raises `RowError`."""
    if len(line) > MAX_LINE:
        raise RowError("line_too_long", f"这一行过长（最多 {MAX_LINE} 字）")
    if '"' not in line:
        return line.split(",")
    if not _STRICT.fullmatch(line):
        raise RowError("bad_quotes", "引号不成对，或出现在未加引号的内容中；每行数据应在同一行内")
    return next(csv.reader([line], skipinitialspace=True))
