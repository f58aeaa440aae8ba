"""Queries over notices. Every one that answers a caller is limited to what the caller's unit may see."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from office.directory.models import Unit
from office.notices.errors import DocumentNumberTaken
from office.notices.models import Forwarding, Notice, Read, Signature

_NUMBER_TAKEN = "uq_notices_publisher_id"


class Sight(NamedTuple):
    """A notice as one unit sees it; `delivery` is its parent's forwarding, None for the publisher."""

    notice: Notice
    delivery: Forwarding | None


class Received(NamedTuple):
    """A line of the inbox."""

    notice: Notice
    publisher: Unit | None
    delivery: Forwarding
    signature: Signature | None
    forwarding: Forwarding | None
    read_at: datetime | None


class Cover(NamedTuple):
    """What a unit on the way wrote when it forwarded."""

    unit: Unit
    forwarding: Forwarding


async def save(session: AsyncSession, notice: Notice) -> None:
    """Write a new or changed notice. Raises `DocumentNumberTaken`."""
    session.add(notice)
    try:
        await session.flush()
    except IntegrityError as error:
        if _NUMBER_TAKEN in str(error.orig):
            raise DocumentNumberTaken from error
        raise


async def find(session: AsyncSession, notice_id: UUID, unit: Unit) -> Sight | None:
    """Return the notice if `unit` published it or has it; a draft is only for the unit that drafts it."""
    has = and_(Forwarding.unit_id.is_not(None), Notice.status != "draft")
    row = (
        await session.execute(
            select(Notice, Forwarding)
            .outerjoin(
                Forwarding, and_(Forwarding.notice_id == Notice.id, Forwarding.unit_id == unit.parent_id)
            )
            .where(Notice.id == notice_id, or_(Notice.publisher_id == unit.id, has))
        )
    ).one_or_none()
    return None if row is None else Sight(row[0], row[1])


async def lock_own(session: AsyncSession, notice_id: UUID, unit: Unit) -> Notice | None:
    """Return the notice if `unit` published or drafts it, locked until the transaction ends."""
    statement = select(Notice).where(Notice.id == notice_id, Notice.publisher_id == unit.id).with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def outbox_page(
    session: AsyncSession, unit: Unit, *, status: str | None, after: Sequence[Any] | None, limit: int
) -> Sequence[Notice]:
    """Return the unit's own notices, newest first, those after the key `after`."""
    statement = select(Notice).where(Notice.publisher_id == unit.id)
    if status is not None:
        statement = statement.where(Notice.status == status)
    if after is not None:
        statement = statement.where(tuple_(Notice.id) < tuple_(*after))
    return (await session.scalars(statement.order_by(Notice.id.desc()).limit(limit))).all()


async def inbox_page(
    session: AsyncSession,
    unit: Unit,
    reader: UUID,
    *,
    signed: bool | None,
    after: Sequence[Any] | None,
    limit: int,
) -> list[Received]:
    """Return the published notices that `unit` has, latest delivery first, those after the key `after`."""
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
        .where(Forwarding.unit_id == unit.parent_id, Notice.status == "published")
    )
    if signed is not None:
        statement = statement.where(Signature.unit_id.is_not(None) if signed else Signature.unit_id.is_(None))
    if after is not None:
        statement = statement.where(key < tuple_(*after))
    rows = await session.execute(
        statement.order_by(Forwarding.forwarded_at.desc(), Forwarding.notice_id.desc()).limit(limit)
    )
    return [Received(*row) for row in rows]


async def covers(session: AsyncSession, notice_id: UUID, unit: Unit) -> list[Cover]:
    """Return the forwardings above `unit` that carry a cover text, from the top down."""
    rows = await session.execute(
        select(Unit, Forwarding)
        .join(Forwarding, Forwarding.unit_id == Unit.id)
        .where(
            Forwarding.notice_id == notice_id,
            Forwarding.cover_text.is_not(None),
            Unit.path.op("@>", is_comparison=True)(func.text2ltree(unit.path)),
            Unit.id != unit.id,
        )
        .order_by(func.nlevel(Unit.path))
    )
    return [Cover(*row) for row in rows]


async def get_unit(session: AsyncSession, unit_id: UUID) -> Unit | None:
    """Return the unit, for its name."""
    return await session.get(Unit, unit_id)


async def get_forwarding(session: AsyncSession, notice_id: UUID, unit: Unit) -> Forwarding | None:
    """Return the unit's own forwarding of the notice."""
    return await session.get(Forwarding, (notice_id, unit.id))


async def get_signature(session: AsyncSession, notice_id: UUID, unit: Unit) -> Signature | None:
    """Return the unit's own signature under the notice."""
    return await session.get(Signature, (notice_id, unit.id))


async def get_read(session: AsyncSession, notice_id: UUID, sub: UUID) -> Read | None:
    """When the person read the notice."""
    return await session.get(Read, (notice_id, sub))


async def add_forwarding(session: AsyncSession, forwarding: Forwarding) -> bool:
    """Write the forwarding; False when the unit has already forwarded."""
    return await _insert(session, Forwarding, forwarding)


async def add_signature(session: AsyncSession, signature: Signature) -> bool:
    """Write the signature; False when the unit has already signed."""
    return await _insert(session, Signature, signature)


async def add_read(session: AsyncSession, read: Read) -> bool:
    """Write the fact; False when the person has already read it."""
    return await _insert(session, Read, read)


async def _insert(
    session: AsyncSession,
    model: type[Forwarding] | type[Signature] | type[Read],
    row: Forwarding | Signature | Read,
) -> bool:
    """Two at once: the second waits for the first, and then does nothing."""
    values = {column.key: getattr(row, column.key) for column in model.__mapper__.column_attrs}
    result = await session.execute(
        insert(model).values(values).on_conflict_do_nothing().returning(model.notice_id)
    )
    return result.first() is not None
