"""The Excel workbook of coverage: branches, blocking units, who has not signed, and changes of the tree."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import BinaryIO, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from filekit.xlsx_writer import MAX_ROWS, Cell, Column, SheetWriter
from jobs.job import Job
from jobs.kinds import PermanentFailure
from office.coverage.change_repository import ChangedUnit
from office.coverage.changes import Changes
from office.coverage.missing import Lack
from office.coverage.repository import BranchTally, CoverageRepository, MissingUnit
from office.coverage.scope import Scope
from office.coverage.scopes import scope_of
from office.directory.service import Units
from office.exports.jobs import Which
from office.exports.models import Export
from office.groups.dependencies import groups_for
from office.notices.models import Notice
from servicekit.clock import SHANGHAI, Clock
from servicekit.paging import PageRequest
from servicekit.problems import NotFound

_CHUNK: Final = 2000
_BLOCKERS: Final = 10_000
_CHANGED: Final = 200
"""Units whose changes are looked up at once."""
_UNIT: Final = (Column("单位代码", 18), Column("单位名称", 36))
_FIGURES: Final = (
    "应签收",
    "已送达",
    "已签收",
    "已答复",
    "已退回",
    "逾期未签收",
    "有人阅读的单位",
    "人数",
    "已读人数",
)


class Workbook:
    """Writes exports of coverage."""

    def __init__(self, clock: Clock, units: Callable[[AsyncSession], Units]) -> None:
        self._clock = clock
        self._units = units

    async def write(self, job: Job[Which], export: Export, file: BinaryIO) -> int:
        """Write the workbook; return the number of units that have not signed.

        Each page is a transaction of its own: who signs meanwhile may or may not be listed.
        """
        now = self._clock.now()
        async with job.transaction() as session:
            coverage, units = CoverageRepository(session), self._units(session)
            notice = await coverage.notice(UUID(export.parameters["notice_id"]))
            unit = await units.get(UUID(export.parameters["unit_id"]))
            if notice is None or unit is None:
                raise PermanentFailure("the notice or the unit does not exist any more")
            members = await self._members(session, export)
            scope = await scope_of(coverage, units, notice, unit, members)
            if scope.archived and members is not None:
                raise PermanentFailure("the receipts of single units were archived meanwhile")
            branches = await coverage.tallies(notice, scope, now)
            _, blocking = await coverage.blocking(notice, scope, limit=_BLOCKERS)
        names = [] if unit is None else [unit.code, unit.name]
        book = await asyncio.to_thread(_Book, file, branches, names)
        await asyncio.to_thread(
            book.blockers.write, [[one.unit.code, one.unit.name, one.cut_off] for one in blocking]
        )
        expected = sum(branch.total - branch.signed for branch in branches)
        after: str | None = None
        written = 0
        while written < MAX_ROWS:
            async with job.transaction() as session:
                rows = await CoverageRepository(session).missing(
                    notice,
                    scope,
                    lack=Lack.SIGNATURE,
                    after=after,
                    now=now,
                    limit=min(_CHUNK, MAX_ROWS - written),
                )
            if not rows:
                break
            await asyncio.to_thread(book.missing.write, [_row(one, now) for one in rows])
            after, written = rows[-1].path, written + len(rows)
            await job.progress(written, max(expected, written), f"已写入 {written} 个未签收的单位")
        if not scope.archived:
            await self._changes(job, notice, scope, book)
        await asyncio.to_thread(book.main.close)
        return written

    async def _changes(self, job: Job[Which], notice: Notice, scope: Scope, book: "_Book") -> None:
        """Write the units that have changed since the publication, each change in a row."""
        paging: PageRequest | None = PageRequest(_CHANGED)
        written = 0
        while paging is not None and written < MAX_ROWS:
            async with job.transaction() as session:
                found = await Changes(session, self._units(session)).page(notice, scope, paging)
            rows = [row for one in found.items for row in _change_rows(one)][: MAX_ROWS - written]
            await asyncio.to_thread(book.changes.write, rows)
            written += len(rows)
            paging = None if found.next is None else PageRequest(_CHANGED, found.next)

    async def _members(self, session: AsyncSession, export: Export) -> Sequence[UUID] | None:
        """Return the units of the group that is wanted; None if it is the whole subtree."""
        group = export.parameters.get("group_id")
        if group is None:
            return None
        try:
            return await groups_for(session, self._clock).units(
                UUID(group), unit_id=export.unit_id, by=export.created_by
            )
        except NotFound as error:
            raise PermanentFailure("the group does not exist any more") from error


class _Book:
    """The sheets of the workbook."""

    def __init__(self, file: BinaryIO, branches: Sequence[BranchTally], own: Sequence[str]) -> None:
        self.main = SheetWriter(file, "覆盖情况", [*_UNIT, *(Column(name, 14) for name in _FIGURES)])
        for one in branches:
            unit = own if one.unit is None else [one.unit.code, one.unit.name]
            self.main.write([[*unit, *_figures(one)]])
        sums: list[Cell] = [sum(column) for column in zip(*map(_figures, branches), strict=True)]
        self.main.write([["", "合计", *sums]])
        self.blockers = self.main.further("未转发的单位", [*_UNIT, Column("因此未送达的单位数", 20)])
        self.missing = self.main.further(
            "未签收的单位",
            [*_UNIT, Column("状态", 12), Column("截止时间", 20), Column("未转发的上级", 36)],
        )
        self.changes = self.main.further(
            "单位变化",
            [
                *_UNIT,
                Column("变化时间", 20),
                Column("变化", 14),
                Column("此前的上级单位", 36),
                Column("此后的上级单位", 36),
                Column("并入的单位", 36),
                Column("如何计入", 44),
                Column("计入本表", 10),
                Column("计在其下的上级单位", 36),
            ],
        )


def _figures(one: BranchTally) -> tuple[int, ...]:
    return (
        one.total,
        one.delivered,
        one.signed,
        one.answered,
        one.returned,
        one.overdue,
        one.read_units,
        one.people,
        one.people_read,
    )


def _change_rows(one: ChangedUnit) -> list[list[Cell]]:
    def name(unit_id: UUID | None) -> str | None:
        unit = None if unit_id is None else one.names.get(unit_id)
        return None if unit is None else unit.name

    return [
        [
            one.unit.code,
            one.unit.name,
            _time(step.at),
            step.kind.label,
            None if step.before is None else name(step.before.parent_id),
            name(step.after.parent_id),
            name(one.unit.merged_into_id),
            one.counting.label,
            "是" if one.counted_here else "否",
            name(one.counted_below),
        ]
        for step in one.steps
    ]


def _time(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _row(one: MissingUnit, now: datetime) -> list[Cell]:
    if not one.delivered:
        state = "未送达"
    else:
        state = "逾期未签收" if one.deadline is not None and one.deadline < now else "未签收"
    due = None if one.deadline is None else _time(one.deadline)
    return [
        one.unit.code,
        one.unit.name,
        state,
        due,
        None if one.blocked_by is None else one.blocked_by.name,
    ]
