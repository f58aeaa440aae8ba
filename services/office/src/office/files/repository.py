"""Queries over files and downloads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from office.directory.models import Unit
from office.files.models import Download, File
from servicekit.ids import first_id
from servicekit.lists import Listed, by_id, listed
from servicekit.paging import PageRequest


@dataclass(frozen=True)
class DownloadFilter:
    """Which downloads of the files of a unit are wanted; None is no filter."""

    file_id: UUID | None = None
    by: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class FileRepository:
    """Read and write files and downloads."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save(self, file: File) -> None:
        """Write a new or changed file."""
        self._session.add(file)
        await self._session.flush()

    async def delete(self, file: File) -> None:
        """Delete a file's row; its content stays until the store is swept."""
        await self._session.execute(delete(File).where(File.id == file.id))

    async def get(self, file_id: UUID, *, lock: bool = False) -> File | None:
        """Return a file, whoever may see it."""
        return await self._session.get(File, file_id, with_for_update=lock or None, populate_existing=True)

    async def by_ids(self, ids: Collection[UUID]) -> dict[UUID, File]:
        """Return files by their ids, whoever may see them."""
        if not ids:
            return {}
        rows = await self._session.scalars(select(File).where(File.id.in_(ids)))
        return {file.id: file for file in rows}

    async def lock_all(
        self, kind: str, subject_id: UUID, ids: Collection[UUID], owner_id: UUID | None
    ) -> dict[UUID, File]:
        """Return the files of a subject, and those of a unit with the ids, locked in their order."""
        statement = (
            select(File)
            .where(
                ((File.subject_kind == kind) & (File.subject_id == subject_id))
                | (File.id.in_(ids) & (File.unit_id == owner_id))
            )
            .order_by(File.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return {file.id: file for file in await self._session.scalars(statement)}

    async def of_subject(self, kind: str, subject_id: UUID) -> Sequence[File]:
        """Return the files of a subject in their order, those of its earlier versions included."""
        statement = (
            select(File)
            .where(File.subject_kind == kind, File.subject_id == subject_id)
            .order_by(File.position, File.id)
        )
        return (await self._session.scalars(statement)).all()

    async def count_loose(self, by: UUID, limit: int) -> int:
        """Return how many files of a person are attached to nothing, up to `limit`."""
        rows = select(File.id).where(File.uploaded_by == by, File.subject_kind.is_(None)).limit(limit)
        return (await self._session.scalars(select(func.count()).select_from(rows.subquery()))).one()

    async def delete_loose(self, before: datetime, limit: int) -> int:
        """Delete some files that are attached to nothing since before `before`; return their number."""
        old = (
            select(File.id)
            .where(File.subject_kind.is_(None), File.loose_since < before)
            .order_by(File.loose_since)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        result = await self._session.execute(delete(File).where(File.id.in_(old)).returning(File.id))
        return len(result.all())

    async def used(self, digests: Collection[bytes]) -> set[bytes]:
        """Return those of the digests that are the content or the preview of a file."""
        contents = await self._session.scalars(select(File.digest).where(File.digest.in_(digests)))
        previews = await self._session.scalars(
            select(File.preview_digest).where(File.preview_digest.in_(digests))
        )
        return {*contents, *(digest for digest in previews if digest is not None)}

    async def contents(self, after: bytes, limit: int) -> Sequence[bytes]:
        """Return digests of contents that files name, in order, after a digest."""
        rows = select(File.digest).where(File.digest > after).distinct().order_by(File.digest).limit(limit)
        return (await self._session.scalars(rows)).all()

    async def downloaded_since(
        self, file: File, by: UUID, unit: Unit, since: datetime, preview: bool
    ) -> bool:
        """Return whether the person's download of the file is recorded already."""
        statement = (
            select(Download.id)
            .where(
                Download.file_id == file.id,
                Download.id >= first_id(since),
                Download.by == by,
                Download.unit_id == unit.id,
                Download.preview == preview,
            )
            .limit(1)
        )
        return (await self._session.scalars(statement)).first() is not None

    async def add_downloads(self, downloads: Sequence[Download]) -> None:
        """Write downloads."""
        self._session.add_all(downloads)
        await self._session.flush()

    async def downloads(
        self, owner: Unit, wanted: DownloadFilter, paging: PageRequest
    ) -> Listed[tuple[Download, Unit | None]]:
        """Return downloads of the files of a unit with the unit of the person, the latest first.

        Raises `BadCursor`.
        """
        statement: Select[Download, Unit | None] = (
            select(Download, Unit).outerjoin(Unit, Unit.id == Download.unit_id).where(*_wanted(owner, wanted))
        )
        return await listed(self._session, statement, by_id(Download.id, latest_first=True), paging)


def _wanted(owner: Unit, wanted: DownloadFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Download.owner_id == owner.id]
    if wanted.file_id is not None:
        conditions.append(Download.file_id == wanted.file_id)
    if wanted.by is not None:
        conditions.append(Download.by == wanted.by)
    if wanted.since is not None:
        conditions.append(Download.id >= first_id(wanted.since))
    if wanted.until is not None:
        conditions.append(Download.id < first_id(wanted.until))
    return conditions
