"""Queries over the inbox of a unit and its receipts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import NoticeStatus
from office.directory.models import FormerPlace, Unit
from office.notices.models import Forwarding, Notice
from office.receipts.models import Read, Signature


class InboxLine(NamedTuple):
    """A notice in the inbox of a unit, as seen by one person in it."""

    notice: Notice
    publisher: Unit | None
    delivery: Forwarding
    signature: Signature | None
    forwarding: Forwarding | None
    read_at: datetime | None


class Cover(NamedTuple):
    """The cover text of an ancestor's forwarding."""

    unit: Unit
    forwarding: Forwarding


class ReceiptRepository:
    """Read and write inboxes, signatures and reads."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def inbox(
        self,
        unit: Unit,
        former: Sequence[FormerPlace],
        reader: UUID,
        *,
        signed: bool | None,
        after: Sequence[Any] | None,
        limit: int,
    ) -> list[InboxLine]:
        """Return the published notices that `unit` has, latest delivery first, starting after `after`.

        `former` holds its former places; a notice that reached it there keeps that delivery.
        """
        own = aliased(Forwarding)
        mine: ColumnElement[bool] = and_(own.notice_id == Notice.id, own.unit_id == unit.id)
        key = tuple_(Forwarding.forwarded_at, Forwarding.notice_id)
        statement = (
            select(Notice, Unit, Forwarding, Signature, own, Read.read_at)
            .select_from(Forwarding)
            .join(Notice, Notice.id == Forwarding.notice_id)
            .outerjoin(Unit, Unit.id == Notice.publisher_id)
            .outerjoin(Signature, and_(Signature.notice_id == Notice.id, Signature.unit_id == unit.id))
            .outerjoin(own, mine)
            .outerjoin(Read, and_(Read.notice_id == Notice.id, Read.sub == reader))
            .where(_delivered(unit, former), Notice.status == NoticeStatus.PUBLISHED)
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

    async def covers(self, notice_id: UUID, path: str) -> list[Cover]:
        """Return the forwardings by ancestors of `path` that have a cover text, from the top down."""
        above = path.split(".")[:-1]
        rows = await self._session.execute(
            select(Unit, Forwarding)
            .join(Forwarding, Forwarding.unit_id == Unit.id)
            .where(
                Unit.code.in_(above), Forwarding.notice_id == notice_id, Forwarding.cover_text.is_not(None)
            )
        )
        return sorted((Cover(*row) for row in rows), key=lambda cover: above.index(cover.unit.code))

    async def forwarding(self, notice_id: UUID, unit: Unit) -> Forwarding | None:
        """Return the unit's own forwarding of the notice."""
        return await self._session.get(Forwarding, (notice_id, unit.id))

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


def _delivered(unit: Unit, former: Sequence[FormerPlace]) -> ColumnElement[bool]:
    """Return whether this forwarding is the first that reached the unit."""
    ways: list[ColumnElement[bool]] = []
    # For an uninterrupted period below one parent, only the end matters; moves above the parent do not.
    for parent_id, until in _parents(unit, former):
        way = _by(Forwarding, parent_id, until)
        if ways:
            earlier = aliased(Forwarding)
            before = [_by(earlier, *parent) for parent in _parents(unit, former)[: len(ways)]]
            way = and_(way, ~exists().where(earlier.notice_id == Forwarding.notice_id, or_(*before)))
        ways.append(way)
    return or_(*ways)


def _parents(unit: Unit, former: Sequence[FormerPlace]) -> list[tuple[UUID | None, datetime | None]]:
    """Return the unit's parents and the end of its period below each; the present parent is last."""
    places = [*((place.parent_id, place.valid_to) for place in former), (unit.parent_id, None)]
    following = [*(parent_id for parent_id, _ in places[1:]), None]
    return [
        place for place, after in zip(places, following, strict=True) if place[1] is None or place[0] != after
    ]


def _by(forwarding: type[Forwarding], parent_id: UUID | None, until: datetime | None) -> ColumnElement[bool]:
    by_parent = forwarding.unit_id == parent_id
    return by_parent if until is None else and_(by_parent, forwarding.forwarded_at < until)
