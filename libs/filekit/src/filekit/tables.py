"""Rows of an uploaded table, CSV or Excel, a bounded step at a time."""

from collections.abc import Callable
from typing import BinaryIO

from filekit import sniff
from filekit.csv_rows import CsvRows, codec_of
from filekit.rows import Row, Rows
from filekit.xlsx_rows import XlsxRows


class _Csv:
    def __init__(self, file: BinaryIO) -> None:
        self._rows = CsvRows(file, codec_of(file))

        self.merged: set[int] = set()
        self.ended = False

    def step(self) -> list[Row]:
        rows = [Row(number, fields, []) for number, fields in self._rows.step()]
        self.ended = self._rows.ended
        return rows

    def close(self) -> None:
        pass


def rows_of(file: BinaryIO, media_type: str, wanted: Callable[[list[str]], bool], within: int = 1) -> Rows:
    """Return the reader of a table; of a workbook, the sheet of whose first `within` rows one is `wanted`.

    Blocks. Raises `UnknownEncoding`.
    """
    return XlsxRows(file, wanted, within) if media_type == sniff.XLSX else _Csv(file)
