"""Starting, following, cancelling and fetching exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import ExportAction, ExportFormat
from contracts.vocabulary import ExportStatus
from jobs.queue import JobView
from office.actors import Actor
from office.base import job_queue
from office.exports.errors import TooManyExports
from office.exports.jobs import EXPORT, Which
from office.exports.models import Export, ExportEvent
from office.exports.repository import ExportRepository, LogLine
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest
from servicekit.problems import NotFound

MAX_RUNNING: Final = 3
"""Exports of one person that may be made at a time."""


@dataclass(frozen=True)
class ExportView:
    """An export and its job, which has the progress; None once the job's record is deleted."""

    export: Export
    job: JobView | None


class Exports:
    """Exports within one request."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._exports = ExportRepository(session)

    async def start(
        self,
        actor: Actor,
        kind: str,
        *,
        subject: str,
        name: str,
        parameters: Mapping[str, Any],
        format: ExportFormat = ExportFormat.XLSX,  # noqa: A002 - as in the API
    ) -> ExportView:
        """Have a file made. The caller has checked what the actor may see, and put it into `parameters`.

        Raises `TooManyExports`.
        """
        if await self._exports.count_running(actor.sub) >= MAX_RUNNING:
            raise TooManyExports
        export = Export(
            id=new_id(),
            kind=kind,
            subject=subject,
            name=name,
            format=format,
            parameters=dict(parameters),
            created_by=actor.sub,
            unit_id=actor.unit_id,
            created_at=self._clock.now(),
            status=ExportStatus.RUNNING,
        )
        job = await job_queue.enqueue(self._session, EXPORT, Which(id=export.id))
        export.job_id = job.id
        export.rows = 0
        await self._exports.add(export)
        await self._exports.record(ExportEvent.of(export, ExportAction.ASKED, export.created_at))
        return ExportView(export, await job_queue.get(self._session, job.id))

    async def get(self, actor: Actor, export_id: UUID) -> ExportView:
        """Return an export that the actor asked for in the acting unit. Raises `NotFound`."""
        export = await self._own(actor, export_id)
        job = None if export.job_id is None else await job_queue.get(self._session, export.job_id)
        return ExportView(export, job)

    async def list(self, actor: Actor, status: ExportStatus | None, paging: PageRequest) -> Listed[Export]:
        """Return the actor's exports in the acting unit, the newest first; with `status` only those in it.

        Raises `BadCursor`.
        """
        return await self._exports.of_person(actor.sub, actor.unit_id, status, paging)

    async def cancel(self, actor: Actor, export_id: UUID) -> ExportView:
        """Stop making a file. Raises `NotFound`, `ExportEnded`."""
        export = await self._own(actor, export_id, lock=True)
        export.end(ExportStatus.CANCELLED, self._clock.now())
        if export.job_id is not None:
            await job_queue.cancel(self._session, export.job_id)
        return ExportView(export, None)

    async def file(self, actor: Actor, export_id: UUID) -> Export:
        """Return an export whose file is fetched; it is recorded. Raises `NotFound`, `ExportNotReady`."""
        export = await self._own(actor, export_id)
        export.check_done()
        await self._exports.record(ExportEvent.of(export, ExportAction.FETCHED, self._clock.now()))
        return export

    async def log(
        self, actor: Actor, action: ExportAction | None, by: UUID | None, paging: PageRequest
    ) -> Listed[LogLine]:
        """Return what people of the acting unit did with exports, the latest first; with `action` only those
        of it, with `by` only those of a person. Raises `BadCursor`.
        """
        return await self._exports.log(actor.unit_id, action, by, paging)

    async def _own(self, actor: Actor, export_id: UUID, *, lock: bool = False) -> Export:
        export = await self._exports.get(export_id, lock=lock)
        if export is None or (export.created_by, export.unit_id) != (actor.sub, actor.unit_id):
            raise NotFound
        return export
