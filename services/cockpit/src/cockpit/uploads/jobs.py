"""The job that takes in complete uploads, and the deletion of old ones."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.service import Units
from cockpit.feeds.declarations import FeedName
from cockpit.intake.claiming import NewBatch
from cockpit.intake.errors import BatchInProgress
from cockpit.intake.files import kind_of
from cockpit.intake.models import Batch
from cockpit.intake.receiving import Receiver
from cockpit.uploads.errors import ChecksumMismatch, UploadEnded
from cockpit.uploads.kinds import LOAD, Which
from cockpit.uploads.models import Upload
from cockpit.uploads.repository import UploadRepository
from contracts.intake import UploadStatus
from jobs.job import Job, Stopped
from jobs.kinds import Handler, Periodic
from servicekit.cipher import Cipher
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.problems import InternalError, Problem

KEEP = timedelta(days=7)
"""Of the record of an upload; and the longest that a file may take to arrive."""
KEEP_PARTS = timedelta(hours=24)
"""Of an upload that does not go on: nobody has looked yet whether its content is what it should be."""
PRUNED_AT_ONCE = 20
UNIT_GONE = "unit_not_found", "数据所属单位已不存在。"


class Loading:
    """The handler of uploads."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        receiver: Receiver,
        units: Callable[[AsyncSession], Units],
        cipher: Cipher,
        *,
        limit: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._receiver = receiver
        self._units = units
        self._cipher = cipher
        self._limit = limit

    def handler(self) -> Handler[Which]:
        """Return the handler of the job."""
        return Handler(LOAD, self.run)

    def pruning(self) -> Periodic:
        """Return the deletion of old uploads as a periodic task."""
        return Periodic("cockpit.uploads.prune", self.prune, every=timedelta(hours=1))

    async def run(self, job: Job[Which]) -> None:
        """Take in the file as a batch. An attempt after a kill finds the batch by its id or key."""
        async with self._database.transaction() as session:
            row = await UploadRepository(session).get(job.payload.id)
            unit = None if row is None else await self._units(session).find(row.unit_id)
        if row is None or row.status is not UploadStatus.LOADING:
            return
        if unit is None:
            await self._end(row, None, UNIT_GONE)
            return
        new = NewBatch(
            feed=FeedName(row.feed),
            unit=row.unit_id,
            source=row.source,
            batch_id=row.batch_id,
            key=None if row.batch_id else f"upload-{row.id}",
            kind=kind_of(row.content_type, None),
            mode=row.mode,
            parent=row.parent_id,
        )

        async def progress(rows: int) -> None:
            await job.progress(rows, message=f"已校验 {rows} 行")

        async def confirm(session: AsyncSession, batch: Batch) -> None:
            """Let the batch count only if the upload has not been cancelled, which waits for this."""
            uploads = UploadRepository(session)
            current = await uploads.get(row.id, lock=True)
            if current is None or current.status is not UploadStatus.LOADING:
                raise UploadEnded
            current.finish(batch.id, self._clock.now())
            await uploads.forget_parts(current.id)

        try:
            batch, _ = await self._receiver.receive(
                row.created_by,
                new,
                unit,
                self._parts(row),
                limit=self._limit,
                progress=progress,
                confirm=confirm,
            )
        except UploadEnded:
            # Cancelled after the last report of progress.
            return
        except Problem as problem:
            # Of an attempt that was killed; it is given up after some time.
            again = problem.status >= 500 or isinstance(problem, BatchInProgress)
            if again and job.attempt < LOAD.retry.limit:
                raise
            words = "；".join(
                [problem.detail or problem.title, *(error.detail for error in problem.errors or ())]
            )
            await self._end(row, None, (problem.code, words[:2000]))
        except Stopped:
            raise
        except Exception:
            if job.attempt >= LOAD.retry.limit:
                await self._end(row, None, (InternalError.code, InternalError.detail))
            raise
        else:
            await self._end(row, batch.id, None)

    async def prune(self) -> int:
        """Delete uploads a day (not complete) or a week after their last change, and files that have been
        arriving for a week; return their number.
        """
        deleted = 0
        while True:
            async with self._database.transaction() as session:
                now = self._clock.now()
                gone = await UploadRepository(session).forget_old(
                    now - KEEP, now - KEEP_PARTS, PRUNED_AT_ONCE
                )
            deleted += gone
            if gone < PRUNED_AT_ONCE:
                return deleted

    async def _parts(self, row: Upload) -> AsyncIterator[bytes]:
        start, digest = 0, hashlib.sha256()
        while start < row.size_bytes:
            async with self._database.transaction() as session:
                part = await UploadRepository(session).part(row.id, start)
            if part is None:
                # Cancelled meanwhile; the job learns of it at its next report.
                return
            content = part.opened(self._cipher)
            await asyncio.to_thread(digest.update, content)
            yield content
            start += len(content)
        if row.sha256 is not None and digest.digest() != row.sha256:
            raise ChecksumMismatch

    async def _end(self, of: Upload, batch: UUID | None, failure: tuple[str, str] | None) -> None:
        async with self._database.transaction() as session:
            uploads = UploadRepository(session)
            row = await uploads.get(of.id, lock=True)
            if row is None or row.status is not UploadStatus.LOADING:
                return
            if batch is not None:
                row.finish(batch, self._clock.now())
            elif failure is not None:
                row.fail(*failure, self._clock.now())
            await uploads.forget_parts(row.id)
