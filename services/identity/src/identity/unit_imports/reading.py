"""The rows of an uploaded table, read a bounded step at a time, and judged by themselves."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import BinaryIO

from contracts.vocabulary import FileFormat
from filekit import sniff
from filekit.errors import SheetMissing
from filekit.rows import Rows
from filekit.tables import rows_of
from filekit.threads import ParsingThreads
from identity.unit_imports import rules
from identity.unit_imports.rules import Row
from identity.units.sources import divisions_by_code
from servicekit.problems import Problem

_NO_HEADING = f"表头须包含：{'、'.join(rules.HEADINGS)}"


class Unreadable(Exception):
    """The file as a whole cannot be imported; the message is Chinese and says why."""


class Table:
    """A table that is being read. `headings` is set with the first rows, `merged` at the end."""

    def __init__(self, rows: Rows, threads: ParsingThreads) -> None:
        self._rows = rows
        self._threads = threads
        self._columns: dict[str, int] | None = None
        self._count = 0
        self.headings: list[str] = []
        self.merged: set[int] = set()
        """Numbers of rows with merged cells: their values belong to one of them only."""

    async def steps(self) -> AsyncIterator[list[Row]]:
        """Yield rows with content, read and judged in a thread. Raises `Unreadable`."""
        while not self._rows.ended:
            if found := await self._threads.run(self._step):
                yield found
        if self._columns is None:
            raise Unreadable(f"前 {rules.HEADING_WITHIN} 行中没有表头；{_NO_HEADING}")
        if self._count == 0:
            raise Unreadable("表头之下没有数据")
        self.merged = self._rows.merged

    def _step(self) -> list[Row]:
        try:
            lines = self._rows.step()
        except SheetMissing as error:
            raise Unreadable(f"没有工作表在前 {rules.HEADING_WITHIN} 行中有表头；{_NO_HEADING}") from error
        except Problem as problem:
            raise Unreadable(problem.detail) from problem
        found: list[Row] = []
        for line in lines:
            if self._columns is None:
                self._head(line.number, line.fields)
            else:
                found.append(rules.row_of(line, self._columns, divisions_by_code(), len(self.headings)))
        self._count += len(found)
        if self._count > rules.MOST_ROWS:
            raise Unreadable(f"超过 {rules.MOST_ROWS} 行，请拆分后导入")
        return found

    def _head(self, number: int, fields: Sequence[str]) -> None:
        columns = rules.heading_of(fields)
        if columns is None:
            if number >= rules.HEADING_WITHIN:
                raise Unreadable(f"前 {rules.HEADING_WITHIN} 行中没有表头；{_NO_HEADING}")
            return
        if missing := rules.missing(columns):
            raise Unreadable(f"表头缺少列：{'、'.join(missing)}")
        if twice := rules.repeated(fields):
            raise Unreadable(f"表头中的列重复：{'、'.join(twice)}")
        self._columns = columns
        self.headings = rules.headings_of(fields)


@asynccontextmanager
async def table_of(file: BinaryIO, format_: FileFormat, threads: ParsingThreads) -> AsyncIterator[Table]:
    """Open a table. Raises `Unreadable`."""
    media_type = sniff.XLSX if format_ == FileFormat.XLSX else sniff.TEXT
    try:
        rows = await threads.run(
            rows_of,
            file,
            media_type,
            lambda fields: rules.heading_of(fields) is not None,
            rules.HEADING_WITHIN,
        )
    except Problem as problem:
        raise Unreadable(problem.detail) from problem
    try:
        yield Table(rows, threads)
    finally:
        rows.close()
