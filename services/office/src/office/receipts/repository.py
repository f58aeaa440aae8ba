"""Queries over the inbox of a unit and its receipts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import NoticeStatus
from office.directory.models import Unit
from office.dispatches.models import Forwarding
from office.dispatches.predicates import Standing, first
from office.notices.models import Notice
from office.receipts.models import Read, Signature


class InboxLine(NamedTuple):
    """A notice in the inbox of a unit, as seen by one person in it."""

    notice: Notice
    publisher: Unit | None
    delivery: Forwarding
    signature: Signature | None
    forwarded_at: datetime | None
    read_at: datetime | None


class ReceiptRepository:
    """Read and write inboxes, signatures and reads."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def inbox(
        self,
        standing: Standing,
        reader: UUID,
        *,
        signed: bool | None,
        after: Sequence[Any] | None,
        limit: int,
    ) -> list[InboxLine]:
        """Return the published notices that the unit has, latest delivery first, starting after `after`.

        A notice that reached it at a former place keeps that delivery.
        """
        unit, own = standing.unit, aliased(Forwarding)
        mine = and_(own.notice_id == Notice.id, own.unit_id == unit.id, own.number == 1)
        key = tuple_(Forwarding.forwarded_at, Forwarding.notice_id)
        statement = (
            select(Notice, Unit, Forwarding, Signature, own.forwarded_at, Read.read_at)
            .select_from(Forwarding)
            .join(Notice, Notice.id == Forwarding.notice_id)
            .outerjoin(Unit, Unit.id == Notice.publisher_id)
            .outerjoin(Signature, and_(Signature.notice_id == Notice.id, Signature.unit_id == unit.id))
            .outerjoin(own, mine)
            .outerjoin(Read, and_(Read.notice_id == Notice.id, Read.sub == reader))
            .where(first(standing), Notice.status == NoticeStatus.PUBLISHED)
        )
        if signed is not None:
            statement = statement.where(
                Signature.unit_id.is_not(None) if signed else Signature.unit_id.is_(None)
            )
        if after is not None:
            statement = statement.where(key < tuple_(*after))
        rows = await self._session.execute(
            statement.order_by(Forwarding.forwarded_at.desc(), Forwarding.notice_id.desc()).limit(limit)
        )
        return [InboxLine(*row) for row in rows]

    async def signature(self, notice_id: UUID, unit: Unit) -> Signature | None:
        """Return the unit's own signature of the notice."""
        return await self._session.get(Signature, (notice_id, unit.id))

    async def read(self, notice_id: UUID, sub: UUID) -> Read | None:
        """Return the time at which the person read the notice."""
        return await self._session.get(Read, (notice_id, sub))

    async def add_signature(self, signature: Signature) -> bool:
        """Write the signature; return False if the unit has already signed."""
        return await self._insert(Signature, signature)

    async def add_read(self, read: Read) -> bool:
        """Write the read; return False if the person has already read the notice."""
        return await self._insert(Read, read)

    async def _insert(self, model: type[Signature] | type[Read], row: Signature | Read) -> bool:
        """Insert unless present. The second of two concurrent requests waits, and then writes nothing."""
        values = {column.key: getattr(row, column.key) for column in model.__mapper__.column_attrs}
        result = await self._session.execute(
            insert(model).values(values).on_conflict_do_nothing().returning(model.notice_id)
        )
        return result.first() is not None
