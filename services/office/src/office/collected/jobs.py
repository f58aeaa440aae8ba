"""The ZIP archive of the files in collected answers."""

import asyncio
from typing import BinaryIO, Final
from uuid import UUID

import structlog

from filekit.store import FileStore
from jobs.job import Job
from jobs.kinds import PermanentFailure
from office.collected.archive import Archive
from office.collected.repository import CollectionRepository, Scope
from office.exports.jobs import Which as ExportOf
from office.exports.models import Export
from office.files.service import Attachments
from office.forms import rules
from servicekit.clock import Clock

log = structlog.get_logger("collected")

_CHUNK: Final = 100


class Packing:
    """Packs the files of a subtree's answers."""

    def __init__(self, store: FileStore | None, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def write(self, job: Job[ExportOf], export: Export, file: BinaryIO) -> int:
        """Write the archive of an export and record the downloads; return the number of files."""
        if self._store is None:
            raise PermanentFailure("no place for files is configured")
        parameters = export.parameters
        scope = Scope.of(parameters)
        async with job.transaction() as session:
            form = await CollectionRepository(session).form(scope.notice_id)
        fields = [] if form is None else form.parsed
        keys, labels = rules.file_keys(fields), {one.key: one.label for one in fields}
        archive = await asyncio.to_thread(Archive, file, labels)
        after: tuple[str, UUID, UUID] | None = None
        count = 0
        while True:
            async with job.transaction() as session:
                found = await CollectionRepository(session).files(scope, keys, after=after, limit=_CHUNK)
                files = [one.file for one in found]
                await Attachments(session, self._clock).fetched(
                    files, by=export.created_by, unit_id=export.unit_id
                )
            if not found:
                break
            for one in found:
                name = archive.name_of(one)
                try:
                    stored = await self._store.get(one.file.digest)
                except FileNotFoundError:
                    log.error("file lost", file=str(one.file.id), digest=one.file.digest.hex())
                    archive.miss(name)
                else:
                    await archive.add(name, stored.chunks)
                count += 1
                after = (one.path, one.unit_id, one.file.id)
                await job.progress(count, max(count, parameters["total"]), f"已打包 {count} 个文件")
        await asyncio.to_thread(archive.close)
        return count
