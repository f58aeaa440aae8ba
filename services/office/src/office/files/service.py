"""Files: uploads, what they are attached to, downloads and their audit."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import PreviewStatus
from filekit.receiving import ReceivedFile
from filekit.store import FileStore
from office.actors import Actor
from office.base import job_queue
from office.directory.models import Unit
from office.directory.service import Units
from office.files import rules, unpacking
from office.files.errors import (
    BadFileName,
    EmptyUpload,
    FileNotAttachable,
    FilesUnavailable,
    PreviewNotReady,
    RangeNotSatisfiable,
    TooManyAttachments,
    TooManyLooseFiles,
)
from office.files.guards import Guards, Shown
from office.files.kinds import PREVIEW, Which
from office.files.models import Download, File
from office.files.repository import DownloadFilter, FileRepository
from servicekit.clock import Clock
from servicekit.db import release
from servicekit.lists import Listed
from servicekit.paging import PageRequest
from servicekit.problems import FieldError, NotFound

log = structlog.get_logger("files")


@dataclass(frozen=True)
class FileView:
    """A file and the names of the person who uploaded it and of the unit; None for what is not replicated."""

    file: File
    uploader_name: str | None
    unit_name: str | None


@dataclass(frozen=True)
class Content:
    """What a request for a file gets: all of it, or `span`; nothing if the caller has it already."""

    file: File
    span: rules.Span | None
    chunks: AsyncIterator[bytes] | None


@dataclass(frozen=True)
class DownloadView:
    """A download, the person's name and the unit they acted for."""

    download: Download
    person_name: str | None
    unit: Unit | None


class Attachments:
    """For features that attach files to their subjects, within one request."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._clock = clock
        self._files = FileRepository(session)

    async def set(
        self,
        actor: Actor,
        kind: str,
        subject_id: UUID,
        places: Mapping[UUID, Sequence[str | int]],
        *,
        kept: Collection[UUID] = (),
    ) -> list[File]:
        """Make the files in `places`, in this order, those of a subject; the caller has locked it and may
        change it. A place is the way to the file in the request's body, for errors.

        Files that it had before and that are not among them are deleted a day later, except those `kept`,
        which an earlier version has. Raises `FileNotAttachable`, `TooManyAttachments`.
        """
        wanted = list(places)
        if len(wanted) > rules.MAX_ATTACHMENTS:
            raise TooManyAttachments(f"附件最多 {rules.MAX_ATTACHMENTS} 个。")
        files = await self._files.lock_all(kind, subject_id, wanted, actor.unit_id)
        bad = []
        for position, file_id in enumerate(wanted):
            file = files.get(file_id)
            try:
                if file is None:
                    raise FileNotAttachable
                file.attach(kind, subject_id, position, unit_id=actor.unit_id)
            except FileNotAttachable as error:
                bad.append(FieldError.at(*places[file_id], detail=error.detail))
        if bad:
            raise FileNotAttachable(errors=bad)
        now = self._clock.now()
        for file_id, file in files.items():
            if file_id not in wanted and file_id not in kept:
                file.detach(now)
            await self._files.save(file)
        return [files[file_id] for file_id in wanted]

    async def detach(self, kind: str, subject_id: UUID) -> None:
        """Take all files from a subject that is being deleted."""
        now = self._clock.now()
        for file in (await self._files.lock_all(kind, subject_id, (), None)).values():
            file.detach(now)
            await self._files.save(file)

    async def by_ids(self, ids: Collection[UUID]) -> dict[UUID, File]:
        """Return files by their ids. Does not check who may see them."""
        return await self._files.by_ids(ids)

    async def fetched(self, files: Sequence[File], *, by: UUID, unit_id: UUID) -> None:
        """Record that a person, who acts for a unit, fetches files together."""
        now = self._clock.now()
        await self._files.add_downloads(
            [Download.of(file, by=by, unit_id=unit_id, now=now, preview=False) for file in files]
        )

    async def of(self, kind: str, subject_id: UUID) -> Sequence[File]:
        """Return the files of a subject in their order. Does not check who may see them."""
        return await self._files.of_subject(kind, subject_id)


class Files:
    """The API of files, within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        store: FileStore | None,
        guards: Guards,
        unpacked_limit: int,
    ) -> None:
        """`store`: None where no place for files is configured. `unpacked_limit`: bytes of an archive."""
        self._session = session
        self._clock = clock
        self._units = units
        self._store = store
        self._guards = guards
        self._unpacked_limit = unpacked_limit
        self._files = FileRepository(session)

    async def begin(self, actor: Actor) -> None:
        """Check that the actor may upload a file, and release the connection while it arrives.

        Raises `FilesUnavailable`, `TooManyLooseFiles`, and as `Units.own` does.
        """
        self._stored()
        await self._units.own(actor)
        if await self._files.count_loose(actor.sub, rules.MAX_LOOSE) >= rules.MAX_LOOSE:
            raise TooManyLooseFiles
        await release(self._session)

    async def upload(self, actor: Actor, received: ReceivedFile, name: str) -> FileView:
        """Keep an upload, not attached to anything yet; a job makes its preview.

        Raises `EmptyUpload`, `BadFileName`, `UnpackedTooLarge`, `FilesUnavailable`.
        """
        if received.size == 0:
            raise EmptyUpload
        cleaned = rules.clean_name(name, received.media_type)
        if cleaned is None:
            raise BadFileName
        if rules.is_packed(received.media_type):
            await asyncio.to_thread(unpacking.check, received.file, self._unpacked_limit)
        digest = await self._stored().put(received)
        file = File.loose(
            unit_id=actor.unit_id,
            by=actor.sub,
            now=self._clock.now(),
            name=cleaned,
            media_type=received.media_type,
            size=received.size,
            digest=digest,
        )
        await self._files.save(file)
        if file.preview_status is PreviewStatus.PENDING:
            await job_queue.enqueue(self._session, PREVIEW, Which(id=file.id))
        return await self._view(file)

    async def get(self, actor: Actor, file_id: UUID) -> FileView:
        """Return what is known of a file. Raises `NotFound`, and as the guard of its subject does."""
        return await self._view((await self._visible(actor, file_id))[0])

    async def list(self, actor: Actor, kind: str, subject_id: UUID) -> Sequence[FileView]:
        """Return the files of a subject in their order. Raises as `get`."""
        unit = await self._units.own(actor)
        shown = await self._guard(actor, unit, kind, subject_id)
        found = {file.id: file for file in await self._files.of_subject(kind, subject_id)}
        files = [found[file_id] for file_id in shown.current if file_id in found]
        return await self._views(files)

    async def delete(self, actor: Actor, file_id: UUID) -> None:
        """Delete an own file that is attached to nothing. Raises `NotFound`, `FileAttached`."""
        await self._visible(actor, file_id)
        file = await self._files.get(file_id, lock=True)
        if file is None or (file.unit_id, file.uploaded_by) != (actor.unit_id, actor.sub):
            raise NotFound
        file.check_loose()
        await self._files.delete(file)

    async def content(
        self,
        actor: Actor,
        file_id: UUID,
        *,
        range_: str | None,
        if_range: str | None,
        if_none_match: str | None,
    ) -> Content:
        """Open a file, or a part of it, and record the download.

        Raises `NotFound`, `RangeNotSatisfiable`, `FilesUnavailable`, and as the guard of its subject does.
        """
        store = self._stored()
        file, unit = await self._visible(actor, file_id)
        if rules.matches(if_none_match, file.etag):
            return Content(file, None, None)
        try:
            span = rules.span_of(range_, if_range, file.etag, file.size)
        except rules.UnsatisfiableError as error:
            raise RangeNotSatisfiable.of(file.size) from error
        await self._record(actor, file, unit, preview=False)
        try:
            if span is None:
                opened = await store.get(file.digest)
            else:
                opened = await store.part(file.digest, span.first, span.end)
        except FileNotFoundError as error:
            log.error("file lost", file=str(file.id), digest=file.digest.hex())
            raise FilesUnavailable from error
        return Content(file, span, opened.chunks)

    async def preview(self, actor: Actor, file_id: UUID) -> AsyncIterator[bytes]:
        """Open the picture of a file's first page, a JPEG, and record that it was seen.

        Raises `NotFound`, also for a file without preview, `PreviewNotReady`, `FilesUnavailable`.
        """
        store = self._stored()
        file, unit = await self._visible(actor, file_id)
        if file.preview_status is PreviewStatus.PENDING:
            raise PreviewNotReady
        if file.preview_digest is None:
            raise NotFound
        await self._record(actor, file, unit, preview=True)
        try:
            return (await store.get(file.preview_digest)).chunks
        except FileNotFoundError as error:
            log.error("file lost", file=str(file.id), digest=file.preview_digest.hex())
            raise FilesUnavailable from error

    async def downloads(
        self, actor: Actor, paging: PageRequest, wanted: DownloadFilter
    ) -> Listed[DownloadView]:
        """Return downloads of the files of the actor's unit, the latest first. Raises `BadCursor`."""
        unit = await self._units.own(actor)
        found = await self._files.downloads(unit, wanted, paging)
        names = await self._units.names({download.by for download, _ in found.items})
        return found.each(lambda row: DownloadView(row[0], names.get(row[0].by), row[1]))

    def _stored(self) -> FileStore:
        if self._store is None:
            raise FilesUnavailable
        return self._store

    async def _view(self, file: File) -> FileView:
        return (await self._views([file]))[0]

    async def _views(self, files: Sequence[File]) -> Sequence[FileView]:
        people = await self._units.names({file.uploaded_by for file in files})
        units = await self._units.of_ids({file.unit_id for file in files})
        names = {unit_id: unit.name for unit_id, unit in units.items()}
        return [FileView(file, people.get(file.uploaded_by), names.get(file.unit_id)) for file in files]

    async def _visible(self, actor: Actor, file_id: UUID) -> tuple[File, Unit]:
        """Return the file if the actor may see it, and the actor's unit."""
        unit = await self._units.own(actor)
        file = await self._files.get(file_id)
        if file is None:
            raise NotFound
        if file.subject_kind is None or file.subject_id is None:
            if (file.unit_id, file.uploaded_by) != (actor.unit_id, actor.sub):
                raise NotFound
        else:
            shown = await self._guard(actor, unit, file.subject_kind, file.subject_id)
            if file.id not in shown.current and file.id not in shown.earlier:
                raise NotFound
        return file, unit

    async def _guard(self, actor: Actor, unit: Unit, kind: str, subject_id: UUID) -> Shown:
        guard = self._guards.get(kind)
        if guard is None:
            raise NotFound
        return await guard(self._session, self._clock, actor, unit, subject_id)

    async def _record(self, actor: Actor, file: File, unit: Unit, *, preview: bool) -> None:
        """Commit that the actor fetches the file, before the first byte of it is sent."""
        now = self._clock.now()
        since = now - rules.ONE_DOWNLOAD
        if not await self._files.downloaded_since(file, actor.sub, unit, since, preview):
            download = Download.of(file, by=actor.sub, unit_id=unit.id, now=now, preview=preview)
            await self._files.add_downloads([download])
        await release(self._session)
