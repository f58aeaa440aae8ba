"""Operations on uploads."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.base import job_queue
from cockpit.intake.claiming import NewBatch, check_resubmission
from cockpit.intake.files import kind_of
from cockpit.uploads import rules
from cockpit.uploads.errors import (
    ChecksumMismatch,
    TooManyUploads,
    UploadNotFound,
    UploadSpaceExhausted,
)
from cockpit.uploads.kinds import LOAD, Which
from cockpit.uploads.models import Upload, UploadPart
from cockpit.uploads.repository import UploadRepository
from cockpit.uploads.schemas import UploadIn
from contracts.intake import UploadStatus
from jobs.queue import JobView
from servicekit.cipher import Cipher
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest
from servicekit.problems import BodyTooLarge

MOST_UNFINISHED = 20


@dataclass(frozen=True)
class Space:
    """Bytes of one file, and of all files that arrive or are being taken in."""

    limit: int
    quota: int


class Uploads:
    """Uploads within one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, access: Access, cipher: Cipher, space: Space
    ) -> None:
        self._session = session
        self._clock = clock
        self._access = access
        self._cipher = cipher
        self._space = space
        self._uploads = UploadRepository(session)

    async def create(self, actor: Principal, given: UploadIn) -> Upload:
        """Begin an upload.

        Raises `UnsupportedMedia`, `PersonalNumber`, `EditionsNotCorrected`, `BodyTooLarge`, `ParentNotFound`,
        `TooManyUploads`, `UploadSpaceExhausted`, and as `Access.unit`.
        """
        new = NewBatch(
            feed=given.feed,
            unit=given.unit,
            source=given.source,
            batch_id=given.batch_id,
            key=None,
            kind=kind_of(given.content_type, None),
            mode=given.mode,
            parent=given.resubmits,
        )
        new.check_words()
        if given.size_bytes > self._space.limit:
            raise BodyTooLarge
        unit = await self._access.unit(actor, given.unit, "uploads.create")
        # Said before gigabytes arrive, not after.
        await check_resubmission(self._session, new, unit.id)
        if await self._uploads.unfinished(actor.sub) >= MOST_UNFINISHED:
            raise TooManyUploads
        if await self._uploads.reserved() + given.size_bytes > self._space.quota:
            raise UploadSpaceExhausted
        now = self._clock.now()
        row = Upload(
            id=new_id(),
            feed=given.feed,
            source=given.source,
            unit_id=unit.id,
            unit_path=unit.path,
            batch_id=given.batch_id,
            mode=given.mode,
            parent_id=given.resubmits,
            content_type=given.content_type,
            size_bytes=given.size_bytes,
            sha256=None if given.sha256 is None else bytes.fromhex(given.sha256),
            received=0,
            status=UploadStatus.RECEIVING,
            created_by=actor.sub,
            created_at=now,
            touched_at=now,
        )
        self._uploads.add(row)
        return row

    async def append(
        self, actor: Principal, upload_id: UUID, offset: int, content: bytes, digest: str | None = None
    ) -> Upload:
        """Add a part; the last one starts the job that takes the file in. `digest` is its `Content-Digest`.

        Raises `UploadNotFound`, `UnitOutOfReach`, `ChecksumMismatch`, and the errors of `Upload.take`.
        """
        if digest is not None and not rules.matches(digest, content):
            raise ChecksumMismatch
        row = await self._find(actor, upload_id, "uploads.append", lock=True)
        complete = row.take(offset, len(content), self._clock.now())
        if content:
            self._uploads.add(UploadPart.sealed_of(self._cipher, row.id, offset, content))
        if complete:
            row.load((await job_queue.enqueue(self._session, LOAD, Which(id=row.id))).id)
        return row

    async def get(self, actor: Principal, upload_id: UUID) -> tuple[Upload, JobView | None]:
        """Return an upload with its job. Raises `UploadNotFound`, `UnitOutOfReach`."""
        row = await self._find(actor, upload_id, "uploads.read")
        return row, None if row.job_id is None else await job_queue.get(self._session, row.job_id)

    async def below(self, actor: Principal, paging: PageRequest) -> Listed[Upload]:
        """Return the uploads of the caller's subtree, newest first."""
        own = await self._access.own(actor)
        return await self._uploads.below(own.path, paging)

    async def cancel(self, actor: Principal, upload_id: UUID) -> Upload:
        """Cancel an upload and delete its parts; a batch that counts already stays.

        Raises `UploadNotFound`, `UnitOutOfReach`, `UploadEnded`.
        """
        row = await self._find(actor, upload_id, "uploads.cancel", lock=True)
        row.cancel(self._clock.now())
        await self._uploads.forget_parts(row.id)
        if row.job_id is not None:
            await job_queue.cancel(self._session, row.job_id)
        return row

    async def _find(self, actor: Principal, upload_id: UUID, action: str, *, lock: bool = False) -> Upload:
        await self._access.own(actor)
        row = await self._uploads.get(upload_id, lock=lock)
        if row is None:
            raise UploadNotFound
        await self._access.place(actor, row.unit_id, row.unit_path, action)
        return row
