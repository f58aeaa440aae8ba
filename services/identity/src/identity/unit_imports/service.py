"""Uploading, confirming and following imports; exports."""

from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from authkit.principal import Principal
from contracts.vocabulary import ExportStatus, FileFormat, UnitImportResult, UnitImportStatus
from filekit.receiving import ReceivedFile
from filekit.sniff import XLSX
from identity.audit.service import AuditLog
from identity.base import job_queue
from identity.unit_imports.errors import (
    ExportEnded,
    ExportNotFound,
    ExportNotReady,
    ImportNotFound,
    ImportNotReady,
    NoFailedRows,
    NothingToImport,
    RowsAreWrong,
    TooManyImports,
)
from identity.unit_imports.kinds import APPLY, CHECK, EXPORT, Which
from identity.unit_imports.models import UnitExport, UnitImport, UnitImportRow
from identity.unit_imports.report import Report
from identity.unit_imports.repository import ImportRepository, save_file
from identity.unit_imports.schemas import ExportIn
from identity.units.changes import day_of
from identity.units.errors import EffectiveInFuture
from identity.units.service import Units
from jobs.queue import JobView
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import AgeSort, Listed
from servicekit.paging import PageRequest

MOST_RUNNING = 5
"""Checks and exports of one person that may run at a time."""


class UnitImports:
    """Imports and exports for one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, units: Units, report: Report, audit: AuditLog
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._report = report
        self._audit = audit
        self._rows = ImportRepository(session)

    async def upload(
        self,
        principal: Principal,
        file: ReceivedFile,
        *,
        file_name: str,
        effective_on: date | None,
        reason: str,
        document_number: str | None,
    ) -> UnitImport:
        """Keep a file and have it checked; nothing is changed yet. The units of the file have to be at or
        below the caller's unit. Raises `EffectiveInFuture`, `TooManyImports`.
        """
        if principal.acting is None:
            raise OutOfReach
        today = day_of(self._clock.now())
        if effective_on is not None and effective_on > today:
            raise EffectiveInFuture
        await self._require_few(principal)
        row = UnitImport(
            id=new_id(),
            root_id=principal.acting.unit,
            created_by=UUID(principal.sub),
            created_at=self._clock.now(),
            file_name=file_name,
            file_id=new_id(),
            file_size=file.size,
            format=FileFormat.XLSX if file.media_type == XLSX else FileFormat.CSV,
            effective_on=effective_on or today,
            reason=reason,
            document_number=document_number,
            status=UnitImportStatus.CHECKING,
        )
        self._rows.add(row)
        await save_file(self._session, row.file_id, file.file)
        await self._session.flush()
        row.job_id = (await job_queue.enqueue(self._session, CHECK, Which(id=row.id))).id
        self._audit.record(actor=principal.sub, action="units.import_uploaded", target=row.id, size=file.size)
        # Counters have their defaults in the database.
        await self._session.flush()
        await self._session.refresh(row)
        return row

    async def list(
        self, principal: Principal, status: UnitImportStatus | None, sort: AgeSort, paging: PageRequest
    ) -> Listed[UnitImport]:
        """Return the imports of the caller's subtree; with `status` only those in it."""
        if principal.acting is None:
            raise OutOfReach
        return await self._rows.under(principal.acting.path, status, sort, paging)

    async def get(self, principal: Principal, import_id: UUID, *, lock: bool = False) -> UnitImport:
        """Return an import of the caller's subtree. Raises `ImportNotFound`."""
        row = await self._rows.get(import_id, lock=lock)
        if row is None or not principal.reaches((await self._units.get(row.root_id)).path):
            raise ImportNotFound
        return row

    async def job(self, row: UnitImport | UnitExport) -> JobView | None:
        """Return the job of the running step."""
        return None if row.job_id is None else await job_queue.get(self._session, row.job_id)

    async def rows(
        self,
        principal: Principal,
        import_id: UUID,
        result: UnitImportResult | None,
        paging: PageRequest,
    ) -> Listed[UnitImportRow]:
        """Return rows in the order of the file. Raises `ImportNotFound`."""
        await self.get(principal, import_id)
        return await self._rows.listed_rows(import_id, result, paging)

    async def apply(self, principal: Principal, import_id: UUID, *, skip_wrong: bool) -> UnitImport:
        """Open and change the units of a checked file, in the background.

        Raises `ImportNotFound`, `ImportNotReady`, `NothingToImport`, `RowsAreWrong`.
        """
        row = await self.get(principal, import_id, lock=True)
        if row.status != UnitImportStatus.CHECKED:
            raise ImportNotReady
        if row.new + row.changed == 0:
            raise NothingToImport
        if row.wrong and not skip_wrong:
            raise RowsAreWrong
        row.begin_to_apply((await job_queue.enqueue(self._session, APPLY, Which(id=row.id))).id)
        self._audit.record(
            actor=principal.sub,
            action="units.import_confirmed",
            target=row.id,
            new=row.new,
            changed=row.changed,
        )
        return row

    async def cancel(self, principal: Principal, import_id: UUID) -> UnitImport:
        """Stop an import; what it has imported stays. Raises `ImportNotFound`, `ImportNotReady`."""
        row = await self.get(principal, import_id, lock=True)
        row.cancel(self._clock.now())
        self._audit.record(actor=principal.sub, action="units.import_cancelled", target=row.id)
        return row

    async def failed_file(self, principal: Principal, import_id: UUID) -> UUID:
        """Return the file of the rows that are wrong or were refused. Raises `ImportNotFound`,
        `NoFailedRows`.
        """
        row = await self.get(principal, import_id)
        if row.failed_file_id is None:
            raise NoFailedRows
        return row.failed_file_id

    async def report(self, principal: Principal, import_id: UUID) -> AsyncIterator[str]:
        """Return all rows with their results as CSV. Raises `ImportNotFound`."""
        row = await self.get(principal, import_id)
        return self._report.csv(row.id, row.headings)

    async def export(self, principal: Principal, asked: ExportIn) -> UnitExport:
        """Write units of a subtree within reach into a file, in the background.

        Raises `UnitNotFound`, `OutOfReach`, `TooManyImports`.
        """
        unit = await self._units.within_reach(principal, asked.unit_id)
        await self._require_few(principal)
        row = UnitExport(
            id=new_id(),
            root_id=unit.id,
            created_by=UUID(principal.sub),
            created_at=self._clock.now(),
            format=asked.format,
            levels=[level.value for level in asked.levels],
            kinds=[kind.value for kind in asked.kinds],
            unit_status=None if asked.include_closed else asked.unit_status,
            acting_unit_id=principal.acting.unit if principal.acting is not None else None,
            status=ExportStatus.RUNNING,
            file_id=new_id(),
            file_size=0,
            total=0,
        )
        self._rows.add(row)
        await self._session.flush()
        row.job_id = (await job_queue.enqueue(self._session, EXPORT, Which(id=row.id))).id
        self._audit.record(
            actor=principal.sub,
            action="units.exported",
            target=unit.id,
            format=asked.format,
            levels=row.levels,
            kinds=row.kinds,
        )
        return row

    async def exports(
        self, principal: Principal, status: ExportStatus | None, paging: PageRequest
    ) -> Listed[UnitExport]:
        """Return the caller's exports, latest first; with `status` only those in it."""
        return await self._rows.exports_of(UUID(principal.sub), status, paging)

    async def get_export(self, principal: Principal, export_id: UUID, *, lock: bool = False) -> UnitExport:
        """Return an export of the caller. Raises `ExportNotFound`."""
        row = await self._rows.export(export_id, lock=lock)
        if row is None or str(row.created_by) != principal.sub:
            raise ExportNotFound
        return row

    async def cancel_export(self, principal: Principal, export_id: UUID) -> UnitExport:
        """Stop an export. Raises `ExportNotFound`, `ExportEnded`."""
        row = await self.get_export(principal, export_id, lock=True)
        if row.status != ExportStatus.RUNNING:
            raise ExportEnded
        row.end(ExportStatus.CANCELLED, self._clock.now())
        if row.job_id is not None:
            await job_queue.cancel(self._session, row.job_id)
        return row

    async def export_file(self, principal: Principal, export_id: UUID) -> UnitExport:
        """Return an export whose file has been made. Raises `ExportNotFound`, `ExportNotReady`."""
        row = await self.get_export(principal, export_id)
        if row.status != ExportStatus.DONE:
            raise ExportNotReady
        return row

    async def _require_few(self, principal: Principal) -> None:
        if await self._rows.running_of(UUID(principal.sub)) >= MOST_RUNNING:
            raise TooManyImports
