"""The task that seals the audit log, and the job that exports it."""

import gzip
import hashlib
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from joserfc import jws
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.service import AuditLog
from identity.audit_review.kinds import Wanted
from identity.audit_review.models import AuditExport, AuditExportPart
from identity.audit_review.repository import AuditReader, ExportRepository, Filters
from identity.audit_review.rules import canonical
from identity.audit_review.sealing import Sealer
from identity.keys.ring import KeyRing, NoSigningKey
from jobs.job import Job
from jobs.kinds import Periodic, PermanentFailure
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("audit")

_BUDGET_SECONDS = 240
_ROWS = 10_000
_TYPE = "audit-export"


async def seal_due(database: Database, ring: KeyRing, clock: Clock) -> int:
    """Seal what is due, each batch in a transaction of its own. Return the number of new seals.

    The log of the process names each digest: kept elsewhere, it proves the chain up to there.
    """
    sealed, began = 0, time.monotonic()
    while time.monotonic() - began < _BUDGET_SECONDS:
        try:
            async with database.transaction() as session:
                seal = await Sealer(session, ring, clock).next_seal()
        except NoSigningKey:
            return sealed
        if seal is None:
            break
        sealed += 1
        log.info("audit sealed", number=seal.number, rows=seal.rows, digest=seal.digest.hex())
    return sealed


def task(database: Database, ring: KeyRing, clock: Clock) -> Periodic:
    """Return the periodic task that seals the audit log and deletes old exports."""

    async def run() -> None:
        await seal_due(database, ring, clock)
        async with database.transaction() as session:
            await ExportRepository(session).delete_expired(clock.now())

    return Periodic("identity.audit.seal", run, every=timedelta(minutes=5))


class Position(BaseModel):
    """The last row of the last part."""

    after: UUID | None = None
    parts: int = 0
    rows: int = 0
    size: int = 0
    complete: bool = False


class Exported(BaseModel):
    """The result of an export."""

    rows: int
    size: int


class Exporter:
    """Handler of the job: writes canonical rows as lines of JSON, compressed, and a signed manifest."""

    def __init__(self, ring: KeyRing, clock: Clock, issuer: str) -> None:
        self._ring = ring
        self._clock = clock
        self._issuer = issuer

    async def run(self, job: Job[Wanted]) -> Exported:
        """Write the parts of the file, one transaction each, then the manifest."""
        at = job.resume(Position) or Position()
        while not at.complete:
            at = await self._part(job, at)
        return await self._finish(job, at)

    async def _part(self, job: Job[Wanted], at: Position) -> Position:
        async with job.transaction() as session:
            export = await self._export(session, job)
            rows = await AuditReader(session).page(filters_of(export), at.after, _ROWS)
            content = gzip.compress(b"".join(canonical(row._mapping) + b"\n" for row in rows), 6, mtime=0)
            number = at.parts
            if rows or number == 0:
                ExportRepository(session).add(
                    AuditExportPart(export_id=export.id, number=number, content=content)
                )
                number += 1
            done = at.rows + len(rows)
            following = Position(
                after=rows[-1].id if rows else at.after,
                parts=number,
                rows=done,
                size=at.size + (len(content) if number > at.parts else 0),
                complete=len(rows) < _ROWS,
            )
            await job.checkpoint(session, following, done=done, message=f"已写入 {done} 条")
        return following

    async def _finish(self, job: Job[Wanted], at: Position) -> Exported:
        digest = hashlib.sha256()
        for number in range(at.parts):
            async with job.transaction() as session:
                digest.update(await ExportRepository(session).part(job.payload.export_id, number) or b"")
        async with job.transaction() as session:
            export = await self._export(session, job)
            now = self._clock.now()
            manifest = await self._manifest(session, export, at, digest.hexdigest(), now)
            export.finish(now, rows=at.rows, size=at.size, sha256=digest.digest(), manifest=manifest)
            AuditLog(session, self._clock).record(
                actor=export.requested_by, action="audit.exported", target=export.id, rows=at.rows
            )
        return Exported(rows=at.rows, size=at.size)

    async def _manifest(
        self, session: AsyncSession, export: AuditExport, at: Position, sha256: str, now: datetime
    ) -> str:
        last = await AuditReader(session).last_seal()
        said: dict[str, Any] = {
            "iss": self._issuer,
            "export": str(export.id),
            "requested_by": str(export.requested_by),
            "filters": export.filters,
            "rows": at.rows,
            "size": at.size,
            "sha256": sha256,
            "made_at": now,
            "last_seal": None if last is None else {"number": last.number, "digest": last.digest.hex()},
        }
        key = await session.run_sync(lambda sync: self._ring.active(sync))
        return jws.serialize_compact({"alg": "ES256", "kid": key.kid, "typ": _TYPE}, canonical(said), key)

    async def _export(self, session: AsyncSession, job: Job[Wanted]) -> AuditExport:
        export = await ExportRepository(session).get(job.payload.export_id)
        if export is None:
            raise PermanentFailure("the export was deleted")
        return export


def filters_of(export: AuditExport) -> Filters:
    """Return the filters of an export."""
    given = dict(export.filters)
    since, until = (datetime.fromisoformat(given.pop(name)) for name in ("since", "until"))
    return Filters(since, until, **given)
