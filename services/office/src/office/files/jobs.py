"""The job that makes previews, and the tasks that delete what nothing refers to."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import BinaryIO, Final

import structlog

from contracts.documents import PreviewStatus
from filekit.spool import spooled, temporary_file
from filekit.store import FileStore
from jobs.job import Job
from jobs.kinds import Handler, Periodic, PermanentFailure
from office.files.kinds import PREVIEW, Which
from office.files.rendering import REFUSED, SECONDS
from office.files.repository import FileRepository
from office.files.rules import LOOSE_FOR
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.partitions import ByMonth, maintain

log = structlog.get_logger("files")

_AT_ONCE: Final = 200
_LARGEST_PICTURE: Final = 4 * 1024 * 1024
_WAIT: Final = 3 * SECONDS
"""Seconds that rendering may take on a busy machine; its processor time is limited by itself."""


class Previewing:
    """Makes pictures of first pages."""

    def __init__(self, store: FileStore | None) -> None:
        self._store = store

    async def run(self, job: Job[Which]) -> None:
        """Make the preview of a file; a file that no parser can read has none, which is not an error."""
        if self._store is None:
            raise PermanentFailure("no place for files is configured")
        async with job.transaction() as session:
            file = await FileRepository(session).get(job.payload.id)
            if file is None or file.preview_status is not PreviewStatus.PENDING:
                return
            digest, media_type = file.digest, file.media_type
        with temporary_file() as content:
            stored = await self._store.get(digest)
            async for chunk in stored.chunks:
                await asyncio.to_thread(content.write, chunk)
            await asyncio.to_thread(content.flush)
            picture = await picture_of(content, media_type)
        preview = None
        if picture is not None:
            async with spooled(_once(picture), limit=_LARGEST_PICTURE) as spool:
                preview = await self._store.put(spool)
        async with job.transaction() as session:
            repository = FileRepository(session)
            file = await repository.get(job.payload.id, lock=True)
            if file is not None and file.preview_status is PreviewStatus.PENDING:
                file.previewed(preview)
                await repository.save(file)

    def handler(self) -> Handler[Which]:
        """Return the handler of the job."""
        return Handler(PREVIEW, self.run)


async def picture_of(content: BinaryIO, media_type: str) -> bytes | None:
    """Return the picture of a file's first page as JPEG; None if there is none within the limits."""
    await asyncio.to_thread(os.lseek, content.fileno(), 0, os.SEEK_SET)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "office.files.rendering", media_type),
        stdin=content.fileno(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Nothing of the service's settings: the process needs none of its secrets.
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        async with asyncio.timeout(_WAIT):
            picture, errors = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0 and len(picture) <= _LARGEST_PICTURE:
        return picture
    if process.returncode != REFUSED:
        log.warning("no preview", status=process.returncode, reason=errors.decode(errors="replace")[-500:])
    return None


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


class Tidying:
    """Deletes what nothing refers to, and keeps the partitions of downloads."""

    def __init__(
        self, database: Database, clock: Clock, store: FileStore | None, keep_downloads: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._downloads = ByMonth("file_downloads", "id", keep=keep_downloads, ids=True)

    async def delete_loose(self) -> None:
        """Delete files that have been loose for a day; their content goes with the next sweep."""
        deleted = _AT_ONCE
        while deleted == _AT_ONCE:
            async with self._database.transaction() as session:
                before = self._clock.now() - LOOSE_FOR
                deleted = await FileRepository(session).delete_loose(before, _AT_ONCE)

    async def sweep(self) -> None:
        """Delete contents that no file refers to."""
        if self._store is not None:
            deleted = await self._store.sweep(self._used)
            log.info("files swept", count=deleted)

    async def keep_partitions(self) -> None:
        """Create the partitions of this and the next month, and drop those that are too old."""
        await maintain(self._database, [self._downloads], self._clock.now())

    async def _used(self, digests: Collection[bytes]) -> Collection[bytes]:
        async with self._database.transaction() as session:
            return await FileRepository(session).used(digests)

    def tasks(self) -> list[Periodic]:
        """Return the periodic tasks."""
        return [
            Periodic("office.files.loose", self.delete_loose, every=timedelta(hours=1)),
            # A national store takes a while to list.
            Periodic("office.files.sweep", self.sweep, cron="30 3 * * *", stall=timedelta(hours=6)),
            Periodic("office.files.partitions", self.keep_partitions, every=timedelta(hours=1)),
        ]
