"""Queries over notices. Every query for a caller is limited to the notices visible to the caller's unit."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, and_, null, or_, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import NoticeStatus
from office.directory.models import FormerPlace, Unit
from office.notices.errors import DocumentNumberTaken
from office.notices.models import Forwarding, Notice, VisibleNotice

_NUMBER_TAKEN = "uq_notices_publisher_id"


class NoticeRepository:
    """Read and write notices and their forwardings."""

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

    async def find(self, notice_id: UUID, unit: Unit) -> VisibleNotice | None:
        """Return the notice if `unit` published it or has it; only the drafting unit sees a draft."""
        notice = await self._session.get(Notice, notice_id)
        if notice is None:
            return None
        if notice.publisher_id == unit.id:
            return VisibleNotice(notice, None, unit.path)
        if notice.status is NoticeStatus.DRAFT:
            return None
        first = (await self._session.execute(_first_delivery(notice, unit))).one_or_none()
        return None if first is None else VisibleNotice(notice, *first)

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

    async def add_forwarding(self, forwarding: Forwarding) -> bool:
        """Write the forwarding; return False if the unit has already forwarded.

        The second of two concurrent requests waits for the first, and then writes nothing.
        """
        values = {
            column.key: getattr(forwarding, column.key) for column in Forwarding.__mapper__.column_attrs
        }
        result = await self._session.execute(
            insert(Forwarding).values(values).on_conflict_do_nothing().returning(Forwarding.notice_id)
        )
        return result.first() is not None


def _first_delivery(notice: Notice, unit: Unit) -> Select[Forwarding, str]:
    """Return the first forwarding that reached `unit`, and the unit's path at that time.

    A unit has the notices that its parent forwards while the unit is below it, or had forwarded before.
    """
    former = select(
        FormerPlace.parent_id, FormerPlace.path, FormerPlace.valid_from, FormerPlace.valid_to
    ).where(FormerPlace.unit_id == unit.id)
    present = select(Unit.parent_id, Unit.path, Unit.placed_at, null()).where(Unit.id == unit.id)
    places = union_all(former, present).subquery()
    return (
        select(Forwarding, places.c.path)
        .join(
            places,
            and_(
                places.c.parent_id == Forwarding.unit_id,
                or_(places.c.valid_to.is_(None), places.c.valid_to > Forwarding.forwarded_at),
            ),
        )
        .where(Forwarding.notice_id == notice.id)
        .order_by(places.c.valid_to.nulls_last())
        .limit(1)
    )
