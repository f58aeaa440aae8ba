"""Moving a year of receipts and answers into files, and back."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from filekit.store import FileStore
from office.archive import files
from office.archive.attachments import Attachments
from office.archive.errors import ArchiveRefused
from office.archive.releasing import RELEASE, Year
from office.archive.repository import ArchiveRepository
from office.base import job_queue
from office.counters.models import ArchivedYear
from office.coverage.service import Progress
from office.directory.models import Unit
from office.directory.service import Units
from office.partitions import RECEIPTS
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.partitions import ByYear

KEPT: Final = timedelta(days=365)
"""How long after its end a year stays in the database at least."""
_AT_ONCE: Final = 200

Say = Callable[[str], None]


class Archive:
    """Archive years of notices, by the time of their ids. Each step can be repeated after a failure."""

    def __init__(self, database: Database, clock: Clock, store: FileStore | None, say: Say) -> None:
        self._database = database
        self._clock = clock
        self._attachments = Attachments(database, store)
        self._say = say

    async def archive(self, year: int, folder: Path) -> None:
        """Keep the sums of coverage, write the year with the files of answers to `folder`, and verify these.

        Raises `ArchiveRefused` if the year ended less than `KEPT` ago, has notices that are not archived,
        withdrawn or superseded, or has been dropped.
        """
        start, end = _bounds(year)
        if self._clock.now() < end + KEPT:
            raise ArchiveRefused(f"{year} must be kept until {end + KEPT:%Y-%m-%d}")
        async with self._database.transaction() as session:
            repository = ArchiveRepository(session)
            known = await repository.year(year)
            if known is not None and known.dropped_at is not None:
                raise ArchiveRefused(f"{year} has been archived and dropped")
            left = await repository.circulating(start, end)
            if left:
                raise ArchiveRefused(f"{left} notices of {year} are still in circulation")
            # The figures of an earlier attempt may be older than the last receipts.
            await repository.forget(start, end)
            notices = await repository.notices(start, end)
            parts = await repository.parts(RECEIPTS, start)
        for number, notice_id in enumerate(notices, 1):
            units = await self._keep_figures(notice_id)
            self._say(f"notice {number} of {len(notices)}: figures of {units} units")
        tables = {}
        for part in parts:
            tables[part] = await self._write(part, year, folder)
            self._say(f"{part}: {tables[part]['rows']} rows written and verified")
        attached = await self._attachments.write(year, folder)
        self._say(f"files of answers: {attached['files']['rows']} written and verified")
        async with self._database.transaction() as session:
            await ArchiveRepository(session).put_year(
                ArchivedYear(
                    year=year,
                    archived_at=self._clock.now(),
                    rows=sum(table["rows"] for table in tables.values()),
                    digest=files.write_list(folder, year, tables, attached),
                )
            )

    async def drop(self, year: int, folder: Path) -> None:
        """Verify the files in `folder` again and drop the year's partitions; a job deletes files of answers.

        Raises `ArchiveRefused` if the year is not archived, or if the files are not those of the database.
        """
        start, _ = _bounds(year)
        async with self._database.transaction() as session:
            repository = ArchiveRepository(session)
            known = await self._archived(repository, year)
            if known.dropped_at is not None:
                raise ArchiveRefused(f"{year} has been dropped")
            tables, attached = files.read_list(folder, year, known.digest)
            parts = await repository.parts(RECEIPTS, start)
            if set(parts) != tables.keys():
                raise ArchiveRefused(f"the archive has {sorted(tables)}, the database {parts}")
            for part, table in tables.items():
                files.verify(files.table_path(folder, part, year), table["sha256"])
                rows = await repository.count(part)
                if rows != table["rows"]:
                    raise ArchiveRefused(f"{part} has {rows} rows, the archive {table['rows']}")
            await self._attachments.check(repository, year, folder, attached)
            await repository.drop([table for table in RECEIPTS if table.part(start) in parts], start)
            known.dropped_at = self._clock.now()
            await job_queue.enqueue(session, RELEASE, Year(year=year))

    async def restore(self, year: int, folder: Path) -> None:
        """Read a dropped year back from `folder`, the files of answers first. Raises `ArchiveRefused`.

        Nobody sees the files before the answers are there. Both steps can be repeated after a failure.
        """
        start, _ = _bounds(year)
        async with self._database.transaction() as session:
            known = await self._dropped(ArchiveRepository(session), year)
            if await job_queue.is_pending(session, RELEASE.name):
                raise ArchiveRefused("files of answers are still being deleted; try again in some minutes")
            attached = files.read_list(folder, year, known.digest).attached
        count = await self._attachments.restore(year, folder, attached)
        self._say(f"files of answers: {count}")
        async with self._database.transaction() as session:
            repository = ArchiveRepository(session)
            known = await self._dropped(repository, year)
            tables = files.read_list(folder, year, known.digest).tables
            for table in _of_parts(tables, start):
                part = table.part(start)
                path = files.table_path(folder, part, year)
                files.verify(path, tables[part]["sha256"])
                rows = await repository.read_in(table, start, files.chunks(path))
                self._say(f"{part}: {rows} rows")
            known.dropped_at = None

    async def _dropped(self, repository: ArchiveRepository, year: int) -> ArchivedYear:
        known = await self._archived(repository, year)
        if known.dropped_at is None:
            raise ArchiveRefused(f"{year} has not been dropped")
        return known

    async def _archived(self, repository: ArchiveRepository, year: int) -> ArchivedYear:
        known = await repository.year(year)
        if known is None:
            raise ArchiveRefused(f"{year} has not been archived")
        return known

    async def _keep_figures(self, notice_id: UUID) -> int:
        """Keep the figures of each unit that has units below it; return the number of these units."""
        async with self._database.transaction() as session:
            repository = ArchiveRepository(session)
            notice = await repository.notice(notice_id)
            assert notice.published_at is not None
            path = await Units(session).path_at(notice.publisher_id, notice.published_at)
            superiors = [] if path is None else await repository.superiors(path)
        for index in range(0, len(superiors), _AT_ONCE):
            await self._keep_some(notice_id, superiors[index : index + _AT_ONCE])
        return len(superiors)

    async def _keep_some(self, notice_id: UUID, superiors: Sequence[Unit]) -> None:
        async with self._database.transaction() as session:
            repository = ArchiveRepository(session)
            progress = Progress(session, self._clock, Units(session))
            notice = await repository.notice(notice_id)
            for unit in superiors:
                await repository.keep(notice_id, unit, await progress.figures(notice, unit))

    async def _write(self, part: str, year: int, folder: Path) -> dict[str, Any]:
        path = files.table_path(folder, part, year)
        file = files.TableFile(path)
        async with self._database.transaction() as session:
            rows = await ArchiveRepository(session).write_out(part, file.write)
        digest = file.close()
        files.verify(path, digest)
        return {"rows": rows, "sha256": digest}


def _bounds(year: int) -> tuple[datetime, datetime]:
    start = datetime(year, 1, 1, tzinfo=UTC)
    return start, ByYear.following(start)


def _of_parts(parts: dict[str, Any], start: datetime) -> list[ByYear]:
    return [table for table in RECEIPTS if table.part(start) in parts]
