"""Queries over the inbox of a unit and its receipts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer

from contracts.documents import AnswerStatus, NoticeKind, Urgency
from contracts.vocabulary import NoticeStatus
from office.addressing.standing import Standing
from office.answers.models import Answer
from office.directory.models import Unit
from office.dispatches.models import Forwarding
from office.dispatches.predicates import first
from office.dispatches.rules import overdue_before
from office.forms.models import Form
from office.notices.models import Notice
from office.receipts.models import Read, Signature
from office.receipts.rules import RECEIVED, InboxSort
from office.returns.models import STANDING, Return
from servicekit.paging import MOST_COUNTED

_Columns = TypeVarTuple("_Columns")


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
        standing: Standing,
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
        own = aliased(Forwarding)
        statement = self._joined(
            select(
                Notice,
                Unit,
                Forwarding,
                Signature,
                Return,
                Form.notice_id,
                Answer.status,
                own.forwarded_at,
                Read.read_at,
            ),
            standing,
            reader,
        ).outerjoin(own, and_(own.notice_id == Notice.id, own.unit_id == standing.unit.id, own.number == 1))
        statement = statement.options(defer(Notice.body, raiseload=True)).where(*_wanted(wanted))
        by = Forwarding.deadline if sort is InboxSort.DEADLINE else Forwarding.forwarded_at
        key = tuple_(by, Forwarding.notice_id)
        if sort is InboxSort.DEADLINE:
            order: tuple[ColumnElement[Any], ...] = (by.asc(), Forwarding.notice_id.asc())
            following = None if after is None else key > tuple_(*after)
        else:
            order = (by.desc(), Forwarding.notice_id.desc())
            following = None if after is None else key < tuple_(*after)
        if following is not None:
            statement = statement.where(following)
        rows = await self._session.execute(statement.order_by(*order).limit(limit))
        return [InboxLine(*row) for row in rows]

    async def count(self, standing: Standing, reader: UUID, wanted: InboxFilter) -> int:
        """Return how many notices are wanted, up to one more than lists count."""
        rows = (
            self._joined(select(Notice.id), standing, reader).where(*_wanted(wanted)).limit(MOST_COUNTED + 1)
        )
        return (await self._session.scalars(select(func.count()).select_from(rows.subquery()))).one()

    async def counts(self, standing: Standing, reader: UUID, now: datetime) -> InboxCounts:
        """Return what waits for the person and the unit, each up to one more than lists count."""
        published = InboxFilter(now, NoticeStatus.PUBLISHED)
        wanted = (
            replace(published, read=False),
            replace(published, signed=False),
            replace(published, overdue=True),
            replace(published, answered=False),
        )
        return InboxCounts(*[await self.count(standing, reader, one) for one in wanted])

    def _joined(self, statement: Select[*_Columns], standing: Standing, reader: UUID) -> Select[*_Columns]:
        unit = standing.unit
        return (
            statement.select_from(Forwarding)
            .join(Notice, Notice.id == Forwarding.notice_id)
            .outerjoin(Unit, Unit.id == Notice.publisher_id)
            .outerjoin(Signature, and_(Signature.notice_id == Notice.id, Signature.unit_id == unit.id))
            .outerjoin(
                Return,
                and_(Return.notice_id == Notice.id, Return.unit_id == unit.id, Return.status.in_(STANDING)),
            )
            .outerjoin(Form, Form.notice_id == Notice.id)
            .outerjoin(Answer, and_(Answer.notice_id == Notice.id, Answer.unit_id == unit.id))
            .outerjoin(Read, and_(Read.notice_id == Notice.id, Read.sub == reader))
            .where(first(standing))
        )

    async def signature(self, notice_id: UUID, unit: Unit) -> Signature | None:
        """Return the unit's own signature of the notice."""
        return await self._session.get(Signature, (notice_id, unit.id))

    async def read(self, notice_id: UUID, sub: UUID) -> Read | None:
        """Return the time at which the person read the notice."""
        return await self._session.get(Read, (notice_id, sub))


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
        late = and_(unsigned, Forwarding.deadline <= overdue_before(wanted.now))
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
