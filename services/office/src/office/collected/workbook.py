"""The Excel workbook of collected answers: sheets of units, of each table field, and of who is missing."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, BinaryIO, Final
from uuid import UUID

from filekit.xlsx_writer import MAX_ROWS, Cell, Column, SheetWriter
from jobs.job import Job
from office.collected.repository import CollectionRepository, Line, Scope, Which
from office.exports.jobs import Which as ExportOf
from office.exports.models import Export
from office.forms import rules
from office.forms.fields import (
    AnyField,
    AttachmentField,
    MultiChoiceField,
    NumberField,
    TableField,
)
from servicekit.clock import SHANGHAI

_CHUNK: Final = 2000
_UNIT: Final = (Column("单位代码", 18), Column("单位名称", 36))
_SUBMISSION: Final = (Column("提交时间", 20), Column("是否逾期", 10), Column("提交次数", 10))
_FORBIDDEN = re.compile(r"[\[\]:*?/\\'\x00-\x1f]")
_MAX_SHEET: Final = 31


async def write(job: Job[ExportOf], export: Export, file: BinaryIO) -> int:
    """Write the workbook of an export; return the number of answers."""
    scope = Scope.of(export.parameters)
    async with job.transaction() as session:
        collected = CollectionRepository(session)
        form = await collected.form(scope.notice_id)
        fields = [] if form is None else form.parsed
        expected = (await collected.counts(scope)).answered
    book = await asyncio.to_thread(_Book, file, fields)
    after: tuple[str, UUID] | None = None
    count = 0
    while True:
        async with job.transaction() as session:
            collected = CollectionRepository(session)
            lines = await collected.answers(scope, Which.ANSWERED, None, after=after, limit=_CHUNK)
            ids = {one for line in lines for one in rules.files(fields, _values(line))}
            names = await collected.file_names(ids)
        if not lines:
            break
        await asyncio.to_thread(book.add, lines, names)
        last = lines[-1].answer
        assert last is not None
        after, count = (lines[-1].path, last.unit_id), count + len(lines)
        await job.progress(count, max(expected, count), f"已写入 {count} 个单位的答复")
    await asyncio.to_thread(book.total)
    await _missing(job, scope, book)
    await asyncio.to_thread(book.close)
    return count


async def _missing(job: Job[ExportOf], scope: Scope, book: "_Book") -> None:
    after: str | None = None
    written = 0
    while written < MAX_ROWS:
        async with job.transaction() as session:
            lines = await CollectionRepository(session).missing(
                scope, None, after=after, limit=min(_CHUNK, MAX_ROWS - written)
            )
        if not lines:
            return
        await asyncio.to_thread(book.add_missing, lines)
        after, written = lines[-1].path, written + len(lines)
        await job.progress(written, None, f"已写入 {written} 个未答复的单位")


class _Book:
    """The sheets of the workbook. Every method blocks: call it in a thread."""

    def __init__(self, file: BinaryIO, fields: Sequence[AnyField]) -> None:
        self._fields = fields
        self._totals: dict[str, Decimal] = {
            one.key: Decimal(0) for one in fields if isinstance(one, NumberField)
        }
        names = _Names()
        columns = [*_UNIT, *(Column(_heading(one)) for one in fields), *_SUBMISSION]
        self._main = SheetWriter(file, names.of("答复汇总"), columns)
        self._tables = {
            one.key: (
                one,
                self._main.further(
                    names.of(one.label),
                    [*_UNIT, Column("行", 6), *(Column(_heading(column)) for column in one.columns)],
                ),
            )
            for one in fields
            if isinstance(one, TableField)
        }
        self._absent = self._main.further(names.of("未答复单位"), [*_UNIT, Column("状态", 12)])

    def add(self, lines: Sequence[Line], files: Mapping[UUID, str]) -> None:
        """Write units with their answers; `files` has the names of their files."""
        self._main.write(self._row(line, files) for line in lines)
        for key, (table, sheet) in self._tables.items():
            for line in lines:
                rows = _values(line).get(key) or []
                sheet.write(
                    [*_unit(line), number, *(_cell(column, row.get(column.key)) for column in table.columns)]
                    for number, row in enumerate(rows, 1)
                )

    def total(self) -> None:
        """Write the totals below the units."""
        if self._totals:
            sums: list[Cell] = [self._totals.get(one.key) for one in self._fields]
            self._main.write([["", "合计", *sums]])

    def add_missing(self, lines: Sequence[Line]) -> None:
        """Write units that have not answered."""
        self._absent.write(
            [*_unit(line), "未填写" if line.answer is None else line.answer.status.label] for line in lines
        )

    def close(self) -> None:
        """Complete the workbook."""
        self._main.close()

    def _row(self, line: Line, files: Mapping[UUID, str]) -> list[Cell]:
        values = _values(line)
        for key in self._totals:
            self._totals[key] += Decimal(str(values.get(key) or 0))
        answer = line.answer
        assert answer is not None
        return [
            *_unit(line),
            *(_cell(one, values.get(one.key), files) for one in self._fields),
            _local(answer.submitted_at),
            "逾期" if answer.late else None,
            answer.number,
        ]


class _Names:
    """Names of sheets: Excel's limits, and each once."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, label: str) -> str:
        """Return a name for `label` that no sheet has yet."""
        base = _FORBIDDEN.sub(" ", label).strip()[:_MAX_SHEET] or "表格"
        name, number = base, 1
        while name.lower() in self._used:
            number += 1
            suffix = f"({number})"
            name = base[: _MAX_SHEET - len(suffix)] + suffix
        self._used.add(name.lower())
        return name


def _heading(one: AnyField) -> str:
    return f"{one.label}（{one.unit}）" if isinstance(one, NumberField) and one.unit else one.label


def _values(line: Line) -> dict[str, Any]:
    return {} if line.answer is None else line.answer.values or {}


def _unit(line: Line) -> list[Cell]:
    return ["", ""] if line.unit is None else [line.unit.code, line.unit.name]


def _cell(one: AnyField, value: Any, files: Mapping[UUID, str] = MappingProxyType({})) -> Cell:
    if value is None:
        return None
    if isinstance(one, NumberField):
        return Decimal(str(value))
    if isinstance(one, MultiChoiceField):
        return "、".join(value)
    if isinstance(one, TableField):
        return f"{len(value)} 行"
    if isinstance(one, AttachmentField):
        return "、".join(files.get(UUID(file), "（文件已删除）") for file in value)
    return str(value)


def _local(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
