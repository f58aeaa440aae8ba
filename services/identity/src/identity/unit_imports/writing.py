"""Writing the table of units as a workbook or CSV. Every function blocks: use a thread."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import BinaryIO, Protocol

import xlsxwriter
from xlsxwriter.format import Format

from contracts.vocabulary import FileFormat
from identity.unit_imports.rules import COLUMNS, HEADINGS, REASON, escaped

SHEET = "单位"
_WIDTHS = (16, 16, 36, 20, 12, 22, 24, 14, 18, 36, 60)

MEDIA_TYPES = {
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.CSV: "text/csv; charset=utf-8",
}


class TableWriter(Protocol):
    """Writes rows into a file; `close` completes it."""

    def write(self, rows: Iterable[Sequence[str | None]]) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """Complete the file."""
        ...


def writer_of(file: BinaryIO, format_: FileFormat, *, reasons: bool = False) -> TableWriter:
    """Return the writer of a table with its heading; `reasons` adds a column for what is wrong."""
    headings = [*HEADINGS, REASON] if reasons else list(HEADINGS)
    return _Workbook(file, headings) if format_ == FileFormat.XLSX else _Csv(file, headings)


def template(file: BinaryIO) -> None:
    """Write an empty workbook with the headings and one example."""
    table = writer_of(file, FileFormat.XLSX)
    table.write([[column.example for column in COLUMNS]])
    table.close()


class _Workbook:
    """All cells are text: codes keep their zeros, and nothing is a formula or a link."""

    def __init__(self, file: BinaryIO, headings: Sequence[str]) -> None:
        # Rows are written to disk as they come.
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True})
        self._sheet = self._book.add_worksheet(SHEET)
        self._text = self._book.add_format({"num_format": "@"})
        bold = self._book.add_format({"bold": True, "num_format": "@"})
        for position, width in zip(range(len(headings)), _WIDTHS, strict=False):
            self._sheet.set_column(position, position, width, self._text)
        self._sheet.freeze_panes(1, 0)
        self._next = 0
        self._write(headings, bold)

    def write(self, rows: Iterable[Sequence[str | None]]) -> None:
        """Add rows."""
        for row in rows:
            self._write(row, self._text)

    def close(self) -> None:
        """Complete the file."""
        self._book.close()

    def _write(self, row: Sequence[str | None], style: Format) -> None:
        for position, value in enumerate(row):
            if value:
                self._sheet.write_string(self._next, position, escaped(value), style)
        self._next += 1


class _Csv:
    """UTF-8 with BOM, because Excel reads other CSV files in the local encoding."""

    def __init__(self, file: BinaryIO, headings: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self._writer.writerow(headings)

    def write(self, rows: Iterable[Sequence[str | None]]) -> None:
        """Add rows."""
        self._writer.writerows([escaped(value or "") for value in row] for row in rows)

    def close(self) -> None:
        """Complete the file."""
        self._text.flush()
        self._text.detach()
