"""Writing the table of units as a workbook or CSV. Every function blocks: use a thread."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Protocol

from contracts.vocabulary import FileFormat, Kind, Level, UnitStatus
from filekit.cells import csv_line
from filekit.xlsx_writer import Column, Notes, SheetWriter
from identity.unit_imports.rules import COLUMNS, HEADINGS, REASON, explanations

SHEET = "单位"
_WIDTHS = {"单位名称": 36, "学段": 24, "地址": 36, REASON: 60}
_CHOICES: dict[str, Sequence[str]] = {
    "层级": [level.label for level in Level],
    "类别": [kind.label for kind in Kind],
    "状态": [status.label for status in UnitStatus],
}

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


def writer_of(file: BinaryIO, format_: FileFormat, headings: Sequence[str] = HEADINGS) -> TableWriter:
    """Return the writer of a table with its heading."""
    return _workbook(file, headings) if format_ == FileFormat.XLSX else _Csv(file, headings)


def template(file: BinaryIO) -> None:
    """Write a workbook with the headings and one example, and a sheet that explains the columns."""
    table = _workbook(file, HEADINGS)
    table.write([[column.example for column in COLUMNS]])
    table.close(Notes("填写说明", explanations()))


def _workbook(file: BinaryIO, headings: Sequence[str]) -> SheetWriter:
    columns = [Column(heading, _WIDTHS.get(heading, 18), _CHOICES.get(heading, ())) for heading in headings]
    return SheetWriter(file, SHEET, columns)


class _Csv:
    """UTF-8 with BOM, because Excel reads other CSV files in the local encoding."""

    def __init__(self, file: BinaryIO, headings: Sequence[str]) -> None:
        self._file = file
        self._file.write(f"\ufeff{csv_line(headings)}".encode())

    def write(self, rows: Iterable[Sequence[str | None]]) -> None:
        """Add rows."""
        self._file.write("".join(csv_line(value or "" for value in row) for row in rows).encode())

    def close(self) -> None:
        """Complete the file."""
        self._file.flush()
