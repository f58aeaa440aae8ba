"""Writes Excel workbooks row by row: what has been written is on disk, not in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
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


Cell = str | int | float | Decimal | None
"""Text, or a number that a spreadsheet calculates with."""


class SheetWriter:
    """Writes sheets with a heading, cells as text or numbers. Every method blocks: call it in a thread."""

    def __init__(
        self, file: BinaryIO, sheet: str, columns: Sequence[Column], *, mark: str | None = None
    ) -> None:
        """Begin a workbook. Each of its sheets has `mark` above its heading and on each printed page."""
        self._mark = mark
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._begin(xlsxwriter.Workbook(file, options), sheet, columns)

    def further(self, sheet: str, columns: Sequence[Column]) -> "SheetWriter":
        """Return a writer of a further sheet of the same workbook, which `close` of the first completes."""
        writer = SheetWriter.__new__(SheetWriter)
        writer._mark = self._mark
        writer._begin(self._book, sheet, columns)
        return writer

    def _begin(self, book: Any, sheet: str, columns: Sequence[Column]) -> None:
        self._book = book
        self._sheet: Any = self._book.add_worksheet(sheet)
        self._bold: Any = self._book.add_format({"bold": True, "num_format": "@", "bg_color": "#EAF1FB"})
        text = self._book.add_format({"num_format": "@"})
        self._number: Any = self._book.add_format({"num_format": "General"})
        top = 0
        if self._mark is not None:
            top = 1
            self._sheet.write_string(0, 0, escaped(self._mark), book.add_format({"font_color": "#8A1F11"}))
            # Codes of a header begin with an ampersand.
            self._sheet.set_footer(f"&L{self._mark.replace('&', '&&')}"[:255])
        for place, column in enumerate(columns):
            self._sheet.set_column(place, place, column.width, text)
            if column.choices:
                offered = {
                    "validate": "list",
                    "source": list(column.choices),
                    "error_title": "不在列表中",
                    "error_message": "请从列表中选择。",
                }
                self._sheet.data_validation(top + 1, place, MAX_ROWS, place, offered)
            self._sheet.write_string(top, place, column.heading, self._bold)
        self._sheet.freeze_panes(top + 1, 0)
        self._row = top

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Append rows, each text `escaped`."""
        put, put_number = self._sheet.write_string, self._sheet.write_number
        for row in rows:
            self._row += 1
            for place, value in enumerate(row):
                if isinstance(value, str):
                    if value:
                        put(self._row, place, escaped(value))
                elif value is not None:
                    put_number(self._row, place, value, self._number)

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
