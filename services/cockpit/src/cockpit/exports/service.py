"""Making files at once, and starting, following, cancelling and fetching those that a job makes."""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.base import job_queue
from cockpit.directory.models import Unit
from cockpit.exports import overview, tables, writing
from cockpit.exports.errors import ExportNotFound, TooManyExports
from cockpit.exports.kinds import EXPORT, Which
from cockpit.exports.models import Export, ExportUse
from cockpit.exports.repository import ExportRepository
from cockpit.exports.rules import Asker, FileFormat, Table, UseAction, at_once
from cockpit.exports.schemas import ExportIn, OverviewTable, QueryTable, ViewTable
from cockpit.overview.service import Overviews
from cockpit.query.service import Queries
from cockpit.views.service import Views, Wanted
from contracts.vocabulary import ExportStatus
from jobs.queue import JobView
from servicekit.clock import Clock
from servicekit.db import release
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.logs import correlation_id
from servicekit.paging import PageRequest

MAX_RUNNING: Final = 3
"""Exports of one person that may be made at a time."""


@dataclass(frozen=True)
class Figures:
    """The features whose figures can be exported."""

    queries: Queries
    views: Views
    overviews: Overviews


@dataclass(frozen=True)
class File:
    """A file that was made at once."""

    name: str
    format: FileFormat
    content: bytes


@dataclass(frozen=True)
class Running:
    """An export that a job makes, and the job, which has the progress; None once its record is deleted."""

    export: Export
    job: JobView | None


def asker_of(sub: str, unit: Unit) -> Asker:
    """Return who asks, as files name them."""
    return Asker(sub, f"{unit.name}（{unit.code}）")


class Exports:
    """Exports within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, access: Access, figures: Figures) -> None:
        self._session = session
        self._clock = clock
        self._access = access
        self._figures = figures
        self._exports = ExportRepository(session)

    async def start(self, actor: Principal, given: ExportIn) -> File | Running:
        """Make a file at once if it is small, have a job make it otherwise.

        That it was asked for is recorded first, and kept even if no file can be made. Raises
        `TooManyExports`, and as `Queries.size`, `Views.view` and `Overviews.overview` do.
        """
        unit = await self._access.own(actor)
        if isinstance(given.table, QueryTable):
            size = await self._figures.queries.size(actor, given.table.query)
            if not at_once(size.lines, size.figures):
                return await self._enqueue(actor, unit, given, f"指标查询-{size.own.name}", size.lines)
        await self._record(actor, unit, given, UseAction.ASKED)
        await release(self._session)
        table = await self._table(actor, unit, given)
        content = await asyncio.to_thread(writing.content, table, given.format)
        return File(table.title, given.format, content)

    async def get(self, actor: Principal, export_id: UUID) -> Running:
        """Return an export that the actor asked for in the acting unit. Raises `ExportNotFound`."""
        export = await self._own(actor, export_id)
        job = None if export.job_id is None else await job_queue.get(self._session, export.job_id)
        return Running(export, job)

    async def list(
        self, actor: Principal, status: ExportStatus | None, paging: PageRequest
    ) -> Listed[Export]:
        """Return the actor's exports in the acting unit, the newest first; with `status` only those in it.

        Raises `BadCursor`.
        """
        assert actor.acting is not None
        return await self._exports.of_person(actor.sub, actor.acting.unit, status, paging)

    async def cancel(self, actor: Principal, export_id: UUID) -> Running:
        """Stop making a file. Raises `ExportNotFound`, `ExportEnded`."""
        export = await self._own(actor, export_id, lock=True)
        export.end(ExportStatus.CANCELLED, self._clock.now())
        if export.job_id is not None:
            await job_queue.cancel(self._session, export.job_id)
        return Running(export, None)

    async def file(self, actor: Principal, export_id: UUID) -> Export:
        """Return an export whose file is fetched; it is recorded.

        Raises `ExportNotFound`, `ExportNotReady`, `UnitNotReplicated`.
        """
        export = await self._own(actor, export_id)
        export.check_done()
        unit = await self._access.own(actor)
        given = ExportIn.model_validate(export.asked)
        await self._record(actor, unit, given, UseAction.FETCHED, export.id)
        return export

    async def uses(self, actor: Principal, paging: PageRequest) -> Listed[tuple[ExportUse, str | None]]:
        """Return what people in the caller's subtree did with files, the latest first. Raises `BadCursor`."""
        assert actor.acting is not None
        return await self._exports.uses(actor.acting.path, paging)

    async def _enqueue(self, actor: Principal, unit: Unit, given: ExportIn, name: str, lines: int) -> Running:
        if await self._exports.count_running(actor.sub) >= MAX_RUNNING:
            raise TooManyExports
        export = Export(
            id=new_id(),
            name=name,
            format=given.format,
            asked=given.model_dump(mode="json"),
            created_by=actor.sub,
            client_id=actor.client_id,
            unit_id=unit.id,
            created_at=self._clock.now(),
            status=ExportStatus.RUNNING,
            lines=lines,
            rows=0,
            size=0,
        )
        job = await job_queue.enqueue(self._session, EXPORT, Which(id=export.id))
        export.job_id = job.id
        await self._exports.add(export)
        await self._record(actor, unit, given, UseAction.ASKED, export.id)
        return Running(export, await job_queue.get(self._session, job.id))

    async def _table(self, actor: Principal, unit: Unit, given: ExportIn) -> Table:
        asker, now, wanted = asker_of(actor.sub, unit), self._clock.now(), given.table
        if isinstance(wanted, OverviewTable):
            found = await self._figures.overviews.overview(actor, wanted.unit, wanted.year)
            return overview.table_of(found, now, asker)
        if isinstance(wanted, ViewTable):
            return tables.table_of(await self._figures.views.page(actor, _wanted(wanted)), now, asker)
        large = await self._figures.queries.blocks(actor, wanted.query)
        stream = tables.stream_of(large, now, asker)
        rows = [row async for block in stream.blocks for row in block]
        return Table(stream.title, stream.headings, stream.notes, rows)

    async def _record(
        self,
        actor: Principal,
        unit: Unit,
        given: ExportIn,
        action: UseAction,
        export_id: UUID | None = None,
    ) -> None:
        await self._exports.add(
            ExportUse(
                at=self._clock.now(),
                action=action,
                export_id=export_id,
                subject=given.table.kind,
                format=given.format,
                asked=given.table.model_dump(mode="json"),
                sub=actor.sub,
                client_id=actor.client_id,
                unit_id=unit.id,
                unit_path=unit.path,
                correlation_id=correlation_id(),
            )
        )

    async def _own(self, actor: Principal, export_id: UUID, *, lock: bool = False) -> Export:
        assert actor.acting is not None
        export = await self._exports.get(export_id, lock=lock)
        if export is None or (export.created_by, export.unit_id) != (actor.sub, actor.acting.unit):
            raise ExportNotFound
        return export


def _wanted(table: ViewTable) -> Wanted:
    return Wanted(
        table.module, table.sector, table.tree, table.unit, table.region, table.calendar, table.period
    )
