"""Queries over the inbox of a unit and its receipts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer
from sqlalchemy.sql.elements import BindParameter

from contracts.documents import AnswerStatus, NoticeKind, Urgency
from contracts.vocabulary import NoticeStatus
from office.answers.models import Answer
from office.directory.models import Unit
from office.dispatches.models import Forwarding
from office.dispatches.rules import overdue_before
from office.dispatches.statements import UNIT, received
from office.forms.models import Form
from office.notices.models import Notice
from office.receipts.models import Read, Signature
from office.receipts.rules import RECEIVED, InboxSort
from office.returns.models import STANDING, Return
from servicekit.paging import MOST_COUNTED


class InboxLine(NamedTuple):
    """A notice in the inbox of a unit, as seen by one person in it."""

    notice: Notice
    publisher: Unit | None
    delivery: Forwarding
    signature: Signature | None
    given_back: Return | None
    form_id: UUID | None
    answer: AnswerStatus | None
    forwarded_at: datetime | None
    read_at: datetime | None


@dataclass(frozen=True)
class InboxFilter:
    """Which notices of an inbox are wanted; None is no restriction. Times are compared with `now`."""

    now: datetime
    status: NoticeStatus | None = None
    kind: NoticeKind | None = None
    signed: bool | None = None
    read: bool | None = None
    overdue: bool | None = None
    answered: bool | None = None
    urgency: Urgency | None = None
    words: str | None = None


class InboxCounts(NamedTuple):
    """Published notices that the person has not read, and that the unit has not signed, is late to sign, and
    has not answered.
    """

    unread: int
    unsigned: int
    overdue: int
    unanswered: int


class ReceiptRepository:
    """Read inboxes, signatures and reads."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def inbox(
        self,
        unit: Unit,
        reader: UUID,
        wanted: InboxFilter,
        sort: InboxSort,
        *,
        after: Sequence[Any] | None,
        limit: int,
    ) -> list[InboxLine]:
        """Return notices that the unit has, starting after `after`: the time of the sort and the notice's id.

        A notice that reached it at a former place keeps that delivery.
        """
        values = _values(unit, reader, wanted) | {"limit": limit}
        if after is not None:
            values["after_time"], values["after_notice"] = after
        statement = _of_shape(_page, wanted)(replace(wanted, now=_ANY_TIME), sort, after=after is not None)
        return [InboxLine(*row) for row in await self._session.execute(statement, values)]

    async def count(self, unit: Unit, reader: UUID, wanted: InboxFilter) -> int:
        """Return how many notices are wanted, up to one more than lists count."""
        statement = _of_shape(_total, wanted)(replace(wanted, now=_ANY_TIME))
        total: int = (await self._session.scalars(statement, _values(unit, reader, wanted))).one()
        return total

    async def counts(self, unit: Unit, reader: UUID, now: datetime) -> InboxCounts:
        """Return what waits for the person and the unit, each up to one more than lists count."""
        published = InboxFilter(now, NoticeStatus.PUBLISHED)
        wanted = (
            replace(published, read=False),
            replace(published, signed=False),
            replace(published, overdue=True),
            replace(published, answered=False),
        )
        return InboxCounts(*[await self.count(unit, reader, one) for one in wanted])

    async def signature(self, notice_id: UUID, unit: Unit) -> Signature | None:
        """Return the unit's own signature of the notice."""
        return await self._session.get(Signature, (notice_id, unit.id))

    async def read(self, notice_id: UUID, sub: UUID) -> Read | None:
        """Return the time at which the person read the notice."""
        return await self._session.get(Read, (notice_id, sub))


_ANY_TIME = datetime.min.replace(tzinfo=UTC)
_READER: BindParameter[Any] = bindparam("reader", type_=Uuid)
_OVERDUE: BindParameter[Any] = bindparam("overdue_before", type_=DateTime(timezone=True))


def _values(unit: Unit, reader: UUID, wanted: InboxFilter) -> dict[str, Any]:
    return {"unit": unit.id, "reader": reader, "overdue_before": overdue_before(wanted.now)}


def _of_shape(build: Any, wanted: InboxFilter) -> Any:
    """Return `build`, which keeps the statement of each combination of filters, but not of each search."""
    return build if wanted.words is None else build.__wrapped__


@lru_cache(maxsize=512)
def _page(wanted: InboxFilter, sort: InboxSort, *, after: bool) -> Select[Any]:
    own = aliased(Forwarding)
    columns: Select[Any] = select(  # type: ignore[assignment] # of different columns
        *(Notice, Unit, Forwarding, Signature, Return),
        *(Form.notice_id, Answer.status, own.forwarded_at, Read.read_at),
    )
    statement = _joined(columns).outerjoin(
        own, and_(own.notice_id == Notice.id, own.unit_id == UNIT, own.number == 1)
    )
    statement = statement.options(defer(Notice.body, raiseload=True)).where(*_wanted(wanted))
    by = Forwarding.deadline if sort is InboxSort.DEADLINE else Forwarding.forwarded_at
    key = tuple_(by, Forwarding.notice_id)
    last = tuple_(
        bindparam("after_time", type_=DateTime(timezone=True)), bindparam("after_notice", type_=Uuid)
    )
    if sort is InboxSort.DEADLINE:
        order: tuple[ColumnElement[Any], ...] = (by.asc(), Forwarding.notice_id.asc())
        following = key > last
    else:
        order = (by.desc(), Forwarding.notice_id.desc())
        following = key < last
    if after:
        statement = statement.where(following)
    return statement.order_by(*order).limit(bindparam("limit", type_=Integer))


@lru_cache(maxsize=512)
def _total(wanted: InboxFilter) -> Select[Any]:
    rows = _joined(select(Notice.id)).where(*_wanted(wanted)).limit(MOST_COUNTED + 1)
    return select(func.count()).select_from(rows.subquery())


def _joined(statement: Select[Any]) -> Select[Any]:
    delivery = received()
    return (
        statement.select_from(delivery)
        .join(Forwarding, and_(Forwarding.notice_id == delivery.c.notice_id, Forwarding.id == delivery.c.id))
        .join(Notice, Notice.id == Forwarding.notice_id)
        .outerjoin(Unit, Unit.id == Notice.publisher_id)
        .outerjoin(Signature, and_(Signature.notice_id == Notice.id, Signature.unit_id == UNIT))
        .outerjoin(
            Return,
            and_(Return.notice_id == Notice.id, Return.unit_id == UNIT, Return.status.in_(STANDING)),
        )
        .outerjoin(Form, Form.notice_id == Notice.id)
        .outerjoin(Answer, and_(Answer.notice_id == Notice.id, Answer.unit_id == UNIT))
        .outerjoin(Read, and_(Read.notice_id == Notice.id, Read.sub == _READER))
    )


def _wanted(wanted: InboxFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter. An announcement and what was returned are never unsigned."""
    unsigned = and_(
        Signature.unit_id.is_(None),
        Return.unit_id.is_(None),
        Notice.status == NoticeStatus.PUBLISHED,
        Notice.kind != NoticeKind.ANNOUNCEMENT,
    )
    conditions: list[ColumnElement[bool]] = []
    if wanted.status is None:
        conditions.append(Notice.status.in_(RECEIVED))
    else:
        conditions.append(Notice.status == wanted.status)
    if wanted.kind is not None:
        conditions.append(Notice.kind == wanted.kind)
    if wanted.signed is not None:
        conditions.append(Signature.unit_id.is_not(None) if wanted.signed else unsigned)
    if wanted.read is not None:
        conditions.append(Read.sub.is_not(None) if wanted.read else Read.sub.is_(None))
    if wanted.overdue is not None:
        late = and_(unsigned, Forwarding.deadline <= _OVERDUE)
        conditions.append(late if wanted.overdue else not_(late))
    if wanted.answered is not None:
        conditions.append(Answer.submitted_at.is_not(None) if wanted.answered else _unanswered())
    if wanted.urgency is not None:
        conditions.append(Notice.urgency == wanted.urgency)
    if wanted.words is not None:
        conditions.append(
            or_(
                Notice.title.icontains(wanted.words, autoescape=True),
                Notice.document_number.icontains(wanted.words, autoescape=True),
                Unit.name.icontains(wanted.words, autoescape=True),
            )
        )
    return conditions


def _unanswered() -> ColumnElement[bool]:
    """Return whether the notice asks for an answer that the unit can give and has not given yet."""
    return and_(
        Form.notice_id.is_not(None),
        Form.locked_at.is_(None),
        Answer.submitted_at.is_(None),
        Return.unit_id.is_(None),
        Notice.status == NoticeStatus.PUBLISHED,
    )
