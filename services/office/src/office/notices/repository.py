"""Queries over notices."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from office.directory.models import Unit
from office.notices.errors import DocumentNumberTaken
from office.notices.models import Notice

_NUMBER_TAKEN = "uq_notices_publisher_id"


class NoticeRepository:
    """Read and write notices."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save(self, notice: Notice) -> None:
        """Write a new or changed notice. Raises `DocumentNumberTaken`."""
        self._session.add(notice)
        try:
            await self._session.flush()
        except IntegrityError as error:
            if _NUMBER_TAKEN in str(error.orig):
                raise DocumentNumberTaken from error
            raise

    async def get(self, notice_id: UUID) -> Notice | None:
        """Return the notice as it is committed now, whoever may see it."""
        return await self._session.get(Notice, notice_id, populate_existing=True)

    async def lock_own(self, notice_id: UUID, unit: Unit) -> Notice | None:
        """Return the notice if `unit` published or drafts it, locked until the transaction ends."""
        statement = (
            select(Notice).where(Notice.id == notice_id, Notice.publisher_id == unit.id).with_for_update()
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def published_by(
        self, unit: Unit, *, status: str | None, after: UUID | None, limit: int
    ) -> Sequence[Notice]:
        """Return the unit's own notices, including drafts, newest first, starting after the id `after`."""
        statement = select(Notice).where(Notice.publisher_id == unit.id)
        if status is not None:
            statement = statement.where(Notice.status == status)
        if after is not None:
            statement = statement.where(Notice.id < after)
        return (await self._session.scalars(statement.order_by(Notice.id.desc()).limit(limit))).all()
