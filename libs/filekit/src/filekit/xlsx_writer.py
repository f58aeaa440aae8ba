"""Writes Excel workbooks row by row: what has been written is on disk, not in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import xlsxwriter

from filekit.cells import escaped

MAX_ROWS = 1_048_575
"""Rows below the heading."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, its width in characters, and the values that Excel offers."""

    heading: str
    width: int = 20
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class Notes:
    """A second sheet with plain rows."""

    sheet: str
    rows: Sequence[Sequence[str]] = field(default_factory=list)


class SheetWriter:
    """Writes one sheet with a heading, all cells as text. Every method blocks: call it in a thread."""

    def __init__(self, file: BinaryIO, sheet: str, columns: Sequence[Column]) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book: Any = xlsxwriter.Workbook(file, options)
        self._sheet: Any = self._book.add_worksheet(sheet)
        self._bold: Any = self._book.add_format({"bold": True, "num_format": "@", "bg_color": "#EAF1FB"})
        text = self._book.add_format({"num_format": "@"})
        for place, column in enumerate(columns):
            self._sheet.set_column(place, place, column.width, text)
            if column.choices:
                offered = {
                    "validate": "list",
                    "source": list(column.choices),
                    "error_title": "不在列表中",
                    "error_message": "请从列表中选择。",
                }
                self._sheet.data_validation(1, place, MAX_ROWS, place, offered)
            self._sheet.write_string(0, place, column.heading, self._bold)
        self._sheet.freeze_panes(1, 0)
        self._row = 0

    def write(self, rows: Iterable[Sequence[str | None]]) -> None:
        """Append rows, each field `escaped`."""
        put = self._sheet.write_string
        for row in rows:
            self._row += 1
            for place, value in enumerate(row):
                if value:
                    put(self._row, place, escaped(value))

    def close(self, notes: Notes | None = None) -> None:
        """Complete the workbook in the file, which stays open; `notes` become a second sheet."""
        if notes is not None:
            sheet = self._book.add_worksheet(notes.sheet)
            sheet.set_column(0, 0, 16)
            sheet.set_column(1, 20, 26)
            for number, row in enumerate(notes.rows):
                for place, value in enumerate(row):
                    sheet.write_string(number, place, value)
        self._book.close()
