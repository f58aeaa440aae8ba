"""Writes tables of figures as Excel and CSV, row by row: what has been written is not in memory."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import BinaryIO, Protocol

from cockpit.exports.rules import FileFormat, Heads, Rows, Stream, Table
from filekit.cells import csv_line
from filekit.sniff import XLSX
from filekit.xlsx_writer import MAX_ROWS, Column, Notes, SheetWriter

MEDIA_TYPES = {FileFormat.XLSX: XLSX, FileFormat.CSV: "text/csv; charset=utf-8"}
_SHEET = "数据"

Progress = Callable[[int], Awaitable[None]]
"""Is told how many rows have been written."""


class _Writer(Protocol):
    """Every method blocks."""

    def write(self, rows: Rows) -> None: ...

    def close(self) -> None: ...


async def written(table: Stream, format_: FileFormat, file: BinaryIO, progress: Progress) -> int:
    """Write a table while it is read; return its rows."""
    writer = await asyncio.to_thread(_writer, table, format_, file)
    count = 0
    async for rows in table.blocks:
        await asyncio.to_thread(writer.write, rows)
        count += len(rows)
        await progress(count)
    await asyncio.to_thread(writer.close)
    return count


def content(table: Table, format_: FileFormat) -> bytes:
    """Return the file of a table. Blocks: call it in a thread."""
    out = io.BytesIO()
    writer = _writer(table, format_, out)
    writer.write(table.rows)
    writer.close()
    return out.getvalue()


def _writer(table: Heads, format_: FileFormat, file: BinaryIO) -> _Writer:
    return _Csv(table, file) if format_ is FileFormat.CSV else _Workbook(table, file)


class _Csv:
    """UTF-8 with a byte order mark: the table, an empty line, and the notes."""

    def __init__(self, table: Heads, file: BinaryIO) -> None:
        self._table = table
        self._file = file
        file.write(("\ufeff" + csv_line(table.headings)).encode())

    def write(self, rows: Rows) -> None:
        lines = (csv_line("" if cell is None else str(cell) for cell in row) for row in rows)
        self._file.write("".join(lines).encode())

    def close(self) -> None:
        self._file.write("".join(["\r\n", *(csv_line(note) for note in self._table.notes)]).encode())


class _Workbook:
    """The table with exact numbers, on as many sheets as it needs, and a last sheet with the notes."""

    def __init__(self, table: Heads, file: BinaryIO) -> None:
        self._notes = Notes("口径与说明", table.notes)
        self._columns = [Column(heading, max(14, 2 * len(heading) + 4)) for heading in table.headings]
        self._first = self._sheet = SheetWriter(file, _SHEET, self._columns)
        self._sheets = 1
        self._left = MAX_ROWS

    def write(self, rows: Rows) -> None:
        start = 0
        while start < len(rows):
            if not self._left:
                self._sheets += 1
                self._sheet = self._first.further(f"{_SHEET}{self._sheets}", self._columns)
                self._left = MAX_ROWS
            part = rows[start : start + self._left]
            self._sheet.write(part)
            start, self._left = start + len(part), self._left - len(part)

    def close(self) -> None:
        self._first.close(self._notes)
