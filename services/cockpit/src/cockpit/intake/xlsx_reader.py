"""Rows of an Excel workbook."""

from collections.abc import Sequence
from typing import BinaryIO

from cockpit.feeds.declarations import Feed
from cockpit.feeds.rules import RowError
from cockpit.intake.members import MemberFile
from cockpit.intake.steps import Faulty, Step, names_of, report_columns, texts_of, without_empty_end
from filekit.cells import cleaned
from filekit.errors import EmptyFile
from filekit.rows import Row
from filekit.xlsx_rows import XlsxRows


class XlsxReader:
    """Read the sheet whose first row has a heading of the feed."""

    encoding: str | None = None
    files: Sequence[MemberFile] = ()

    def __init__(self, file: BinaryIO, feed: Feed) -> None:
        self._feed = feed
        self._rows = XlsxRows(file, lambda fields: any(feed.name_of(field) for field in fields), 1)
        self._first: list[Row] = []
        self._opened = False
        self.rows = self._report = 0
        self.headings: list[str] = []
        self.names: list[str] = []

    @property
    def opened(self) -> bool:
        """Return whether the heading and the first row have been read."""
        return self._opened

    @property
    def ended(self) -> bool:
        """Return whether all rows have been read."""
        return self._rows.ended and not self._first

    def open(self) -> None:
        """Take one step. Raises `EmptyFile`, `WrongColumns`, and errors of workbooks."""
        found = self._rows.step()
        if found and not self.names:
            headings = without_empty_end(found.pop(0).fields)
            self._report = report_columns(headings)
            self.headings = headings[self._report :]
            self.names = names_of(self._feed, self.headings)
        self._first += self._counted(found)
        self._opened = bool(self._first)
        if self._rows.ended and not self._first:
            raise EmptyFile

    def take(self) -> Step:
        """Return the rows of one step; may be none before the end."""
        found, self._first = self._first or self._counted(self._rows.step()), []
        numbers: list[int] = []
        rows: list[list[str]] = []
        faulty: list[Faulty] = []
        width = len(self.names)
        for row in found:
            fields = [cleaned(field) for field in row.fields[self._report :]]
            fields += [""] * (width - len(fields))
            if any(fields[width:]):
                wrong = RowError("wrong_field_count", f"应有 {width} 列，实有 {len(fields)} 列")
                faulty.append(Faulty(row.number, fields, wrong))
            elif row.faults:
                words = "；".join(
                    f"{self.headings[at - self._report]}{fault}"
                    for at, fault in row.faults
                    if 0 <= at - self._report < width
                )
                faulty.append(Faulty(row.number, fields[:width], RowError("bad_cell", words or "单元格有误")))
            else:
                numbers.append(row.number)
                rows.append(fields[:width])
        return Step(numbers, texts_of(self.names, rows), faulty)

    def close(self) -> None:
        """Close the workbook."""
        self._rows.close()

    def _counted(self, rows: list[Row]) -> list[Row]:
        self.rows += len(rows)
        return rows
