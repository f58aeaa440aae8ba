"""Searching and exporting the audit log."""

from collections.abc import Coroutine, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from identity.audit.models import AuditRecord, AuditSeal
from identity.audit.service import AuditLog
from identity.audit_review.errors import (
    ExportNotFound,
    ExportNotReady,
    RangeReversed,
    RangeTooLong,
    SearchTooBroad,
)
from identity.audit_review.kinds import EXPORT, Wanted
from identity.audit_review.models import AuditExport
from identity.audit_review.repository import AuditReader, ExportRepository, Filters
from identity.audit_review.rules import LONGEST_RANGE, as_uuid
from identity.base import job_queue
from identity.directory.service import Directory
from jobs.queue import JobView
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import AgeSort, Listed
from servicekit.paging import PageRequest, Total, cut

Answer = TypeVar("Answer")
_SEARCH_SECONDS = 5
_COUNT_SECONDS = 1
_KEEP = timedelta(days=7)
_CANCELED = "57014"


class AuditTrail:
    """The audit log for one request of an audit administrator, whose reading is recorded, too."""

    def __init__(self, session: AsyncSession, clock: Clock, audit: AuditLog, directory: Directory) -> None:
        self._session = session
        self._clock = clock
        self._audit = audit
        self._directory = directory
        self._rows = AuditReader(session)
        self._exports = ExportRepository(session)

    async def search(
        self, reader: Principal, filters: Filters, sort: AgeSort, paging: PageRequest
    ) -> Listed[AuditRecord]:
        """Return rows. A number that takes too long to count is that of the page, not exact.

        Raises `RangeReversed`, `RangeTooLong`, `SearchTooBroad`.
        """
        after, order = paging.key(UUID), sort.of(AuditRecord.id)
        _check(filters)
        if after is None and not (filters.actor or filters.target or filters.correlation_id):
            _check_length(filters)
        rows = await self._in_time(self._rows.search(filters, order, after, paging.limit), _SEARCH_SECONDS)
        if rows is None:
            raise SearchTooBroad
        found = cut(rows, paging.limit, lambda row: [row.id])
        if after is None and found.next is None:
            total = Total.of(len(rows))
        else:
            counted = await self._in_time(self._rows.total(filters), _COUNT_SECONDS)
            total = counted or Total(count=len(found.items), exact=False)
        if after is None:
            self._audit.record(actor=reader.sub, action="audit.read", target=None, filters=words(filters))
        return Listed(found.items, found.next, total)

    async def _in_time(self, query: Coroutine[Any, Any, Answer], seconds: int) -> Answer | None:
        """Return the answer of a query, or None if it takes longer."""
        try:
            async with self._session.begin_nested():
                await self._rows.limit_time(seconds)
                answer = await query
                await self._rows.limit_time(0)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _CANCELED:
                return None
            raise
        return answer

    async def names(self, ids: Iterable[object]) -> dict[str, str]:
        """Return the names of the people, units and clients among some ids, of whatever kind, and the units
        of invites; closed accounts have none.
        """
        given = list(ids)
        wanted = sorted({one for one in map(as_uuid, given) if one is not None})
        # Registered clients have ids like people, the platform's own have words.
        texts = sorted({str(one) for one in given if one is not None})
        named = [*await self._directory.units(wanted), *await self._directory.people(wanted)]
        invites = {str(one): f"{unit}的邀请" for one, unit in await self._rows.invites(wanted)}
        clients = dict(await self._rows.clients(texts))
        return clients | invites | {str(one.id): one.name for one in named}

    async def seals(self, paging: PageRequest) -> Listed[AuditSeal]:
        """Return seals, latest first."""
        return await self._rows.latest_seals(paging)

    async def export(self, reader: Principal, filters: Filters, reason: str) -> AuditExport:
        """Ask for a file with all rows that match. Raises `RangeReversed`."""
        _check(filters)
        export_id = new_id()
        queued = await job_queue.enqueue(self._session, EXPORT, Wanted(export_id=export_id))
        now = self._clock.now()
        export = AuditExport(
            id=export_id,
            job_id=queued.id,
            requested_by=UUID(reader.sub),
            filters=words(filters),
            created_at=now,
            expires_at=now + _KEEP,
        )
        self._exports.add(export)
        self._audit.record(
            actor=reader.sub,
            action="audit.export_requested",
            target=export_id,
            filters=words(filters),
            reason=reason,
        )
        return export

    async def exports(self, paging: PageRequest) -> Listed[tuple[AuditExport, JobView | None]]:
        """Return exports and their jobs, latest first."""
        found = await self._exports.latest(paging)
        rows = [(row, await job_queue.get(self._session, row.job_id)) for row in found.items]
        return Listed(rows, found.next, found.total)

    async def find(self, export_id: UUID) -> tuple[AuditExport, JobView | None]:
        """Return an export and its job. Raises `ExportNotFound`."""
        row = await self._exports.get(export_id)
        if row is None or row.expires_at <= self._clock.now():
            raise ExportNotFound
        return row, await job_queue.get(self._session, row.job_id)

    async def complete(self, reader: Principal, export_id: UUID) -> AuditExport:
        """Return a complete export to download. Raises `ExportNotFound`, `ExportNotReady`."""
        row, _ = await self.find(export_id)
        if row.finished_at is None:
            raise ExportNotReady
        self._audit.record(actor=reader.sub, action="audit.export_downloaded", target=export_id)
        return row


def words(filters: Filters) -> dict[str, str]:
    """Return filters as they are recorded."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(filters).items()
        if value is not None
    }


def _check(filters: Filters) -> None:
    if filters.until <= filters.since:
        raise RangeReversed


def _check_length(filters: Filters) -> None:
    if filters.until - filters.since > LONGEST_RANGE:
        raise RangeTooLong
