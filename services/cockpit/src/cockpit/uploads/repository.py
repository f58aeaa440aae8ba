"""Queries over uploads."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.uploads.models import Upload, UploadPart
from contracts.intake import UploadStatus
from servicekit.lists import Listed, Order, listed_one
from servicekit.ltree import under
from servicekit.paging import PageRequest, instant


class UploadRepository:
    """Read and write uploads."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Upload | UploadPart) -> None:
        """Add an upload or a part."""
        self._session.add(row)

    async def get(self, upload_id: UUID, *, lock: bool = False) -> Upload | None:
        """Return an upload."""
        return await self._session.get(Upload, upload_id, with_for_update=lock, populate_existing=lock)

    async def below(self, path: str, paging: PageRequest) -> Listed[Upload]:
        """Return uploads of the units that are now in the subtree at `path`, newest first."""
        statement = select(Upload).join(Unit, Unit.id == Upload.unit_id).where(under(Unit.path, path))
        order = Order((Upload.created_at, Upload.id), (instant, UUID), descending=True)
        return await listed_one(self._session, statement, order, paging)

    async def unfinished(self, sub: str) -> int:
        """Return the number of unfinished uploads of a person."""
        found = await self._session.scalar(
            select(func.count())
            .select_from(Upload)
            .where(
                Upload.created_by == sub,
                (Upload.status == UploadStatus.RECEIVING) | (Upload.status == UploadStatus.LOADING),
            )
        )
        return found or 0

    async def reserved(self) -> int:
        """Return the bytes of all files that arrive or are being taken in; until the end of this transaction,
        others wait that ask the same.
        """
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("uploads", 0))))
        found = await self._session.scalar(
            select(func.sum(Upload.size_bytes)).where(
                (Upload.status == UploadStatus.RECEIVING) | (Upload.status == UploadStatus.LOADING)
            )
        )
        return int(found or 0)

    async def part(self, upload_id: UUID, start: int) -> UploadPart | None:
        """Return the part that begins at `start`."""
        return await self._session.get(UploadPart, (upload_id, start))

    async def forget_parts(self, upload_id: UUID) -> None:
        """Delete the parts of an upload."""
        await self._session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id))

    async def forget_old(self, before: datetime, incomplete_before: datetime, limit: int) -> int:
        """Delete uploads without a change since `before`, and those that are not complete without one since
        `incomplete_before` or begun before `before`, with their parts; return their number.
        """
        waiting = Upload.status == UploadStatus.RECEIVING
        old = (
            select(Upload.id)
            .where(
                (Upload.touched_at < before)
                | (waiting & ((Upload.touched_at < incomplete_before) | (Upload.created_at < before)))
            )
            .order_by(Upload.touched_at)
            .limit(limit)
        )
        gone = await self._session.execute(delete(Upload).where(Upload.id.in_(old)).returning(Upload.id))
        return len(gone.all())
