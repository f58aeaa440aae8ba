"""Rows of a CSV file. Lines without faults are split by Arrow, all others one by one."""

import io
import re
from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from cockpit.feeds.declarations import Feed
from cockpit.feeds.rules import RowError
from cockpit.intake.lines import MAX_LINE, Lines, NumberedLine, fields_of
from cockpit.intake.members import MemberFile
from cockpit.intake.steps import Faulty, Step, names_of, report_columns, texts_of, without_empty_end
from filekit.cells import cleaned
from filekit.errors import EmptyFile, MalformedCsv

_FIELD = r'(?:[^",]*|"(?:[^"]|"")*")'
_PLAIN = re.compile(rf"{_FIELD}(?:,{_FIELD})*")
"""Quoted fields without spaces around the quotes, which Arrow would take for a part of the text."""


_ESCAPED = r"^'([=+\-@\t])"


class CsvReader:
    """Read a file that is valid in `codec`."""

    files: Sequence[MemberFile] = ()

    def __init__(self, file: BinaryIO, codec: str, feed: Feed) -> None:
        self._lines = Lines(file, codec)
        self._feed = feed
        self._width = self._report = 0
        self._first: list[NumberedLine] = []
        self._opened = False
        self.encoding: str | None = codec.removesuffix("-sig")
        self.headings: list[str] = []
        self.names: list[str] = []

    @property
    def opened(self) -> bool:
        """Return whether the heading and the first row have been read."""
        return self._opened

    @property
    def ended(self) -> bool:
        """Return whether all rows have been read."""
        return self._lines.ended and not self._first

    @property
    def rows(self) -> int:
        """Return the number of lines that are not blank, without the heading."""
        return self._lines.found - 1

    @property
    def lines(self) -> int:
        """Return the number of lines read, blank ones and the heading included."""
        return self._lines.read

    def open(self) -> None:
        """Take one step to read heading and first row. Raises `EmptyFile`, `WrongColumns`, `MalformedCsv`."""
        lines = self._lines.step()
        if lines and not self.names:
            try:
                fields = fields_of(lines.pop(0).text)
            except RowError as error:
                raise MalformedCsv(f"标题行不是有效的 CSV：{error.reason}。") from error
            headings = without_empty_end(fields)
            self._report = report_columns(headings)
            self.headings = headings[self._report :]
            self.names = names_of(self._feed, self.headings)
            self._width = len(fields)
        self._first += lines
        self._opened = bool(self._first)
        if self._lines.ended and not self._first:
            raise EmptyFile

    def take(self) -> Step:
        """Return the rows of one step; may be none before the end."""
        lines, self._first = self._first or self._lines.step(), []
        plain: list[NumberedLine] = []
        odd: list[NumberedLine] = []
        for line in lines:
            text = line.text
            fits = len(text) <= MAX_LINE and ('"' not in text or _PLAIN.fullmatch(text) is not None)
            (plain if fits else odd).append(line)
        numbers, texts, refused = self._split(plain)
        faulty: list[Faulty] = []
        rows: list[list[str]] = []
        for number, text in (*odd, *refused):
            try:
                fields = fields_of(text)[self._report :]
                self._check_width(fields)
            except RowError as error:
                faulty.append(Faulty(number, [text] if error.code != "wrong_field_count" else fields, error))
            else:
                numbers.append(number)
                rows.append(fields)
        if self._report:
            # The apostrophe that keeps a spreadsheet from taking a field for a formula (`filekit.cells`).
            texts = {
                name: pc.replace_substring_regex(column, _ESCAPED, r"\1") for name, column in texts.items()
            }
            rows = [[cleaned(field) for field in row] for row in rows]
        if rows:
            more = texts_of(self.names, rows)
            texts = {name: pa.concat_arrays([texts[name], more[name]]) for name in self.names}
        return Step(numbers, texts, faulty)

    def close(self) -> None:
        """Nothing was opened."""

    def _check_width(self, fields: list[str]) -> None:
        width = len(self.names)
        if len(fields) < width or any(field.strip() for field in fields[width:]):
            raise RowError("wrong_field_count", f"应有 {width} 列，实有 {len(fields)} 列")

    def _split(self, lines: list[NumberedLine]) -> tuple[list[int], dict[str, pa.Array], list[NumberedLine]]:
        """Return the numbers and columns of the lines that have as many fields as the heading; and others."""
        if not lines:
            return [], {name: pa.array([], pa.string()) for name in self.names}, []
        places: list[int] = []

        def skip(row: pacsv.InvalidRow) -> str:
            places.append(row.number - 1)
            return "skip"

        report = [f"#{at}" for at in range(self._report)]
        surplus_names = [f"_{at}" for at in range(self._width - self._report - len(self.names))]
        columns = [*report, *self.names, *surplus_names]
        text = "\n".join(line.text for line in lines)
        table = pacsv.read_csv(
            io.BytesIO(text.encode()),
            # One block: a line longer than a block would be an error.
            pacsv.ReadOptions(column_names=columns, use_threads=False, block_size=len(text) * 4 + 1),
            pacsv.ParseOptions(quote_char='"' if '"' in text else False, invalid_row_handler=skip),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        refused = [lines[place] for place in places]
        wrong = set(places)
        kept = [line for place, line in enumerate(lines) if place not in wrong]
        texts = {name: _one(table[name]) for name in self.names}
        surplus = [_one(table[name]) for name in surplus_names]
        if surplus:
            empty = pc.equal(pc.utf8_trim_whitespace(pc.binary_join_element_wise(*surplus, "")), "")
            places = [place for place, is_empty in enumerate(empty.to_pylist()) if not is_empty]
            refused += [kept[place] for place in places]
            kept = [line for line, is_empty in zip(kept, empty.to_pylist(), strict=True) if is_empty]
            texts = {name: column.filter(empty) for name, column in texts.items()}
        return [line.number for line in kept], texts, refused


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
