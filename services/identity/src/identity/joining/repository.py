"""Queries for requests to join."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, any_, cast, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import JoinRequestStatus
from identity.accounts.models import Account
from identity.joining.models import JoinRequest
from identity.units.models import Unit
from servicekit.lists import AgeSort, Listed, by_id, listed
from servicekit.ltree import LTree, under
from servicekit.paging import PageRequest
from servicekit.words import inline

_PENDING = JoinRequest.status == inline(JoinRequestStatus.PENDING)
_RESPONSIBLE = aliased(Unit)

Asked = tuple[JoinRequest, Account, Unit]


@dataclass(frozen=True)
class JoinFilter:
    """Which pending requests are wanted; None is no filter."""

    waiting: bool = False
    """Only those about which the administrators of the top of the subtree have been asked."""
    unit_id: UUID | None = None
    transfer: bool | None = None
    name: str | None = None
    """A part of the applicant's name."""


class JoinRepository:
    """Requests; list queries are restricted to the caller's subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: JoinRequest) -> None:
        """Insert a request."""
        self._session.add(row)

    async def get(self, request_id: UUID) -> JoinRequest | None:
        """Return a request by id."""
        return await self._session.get(JoinRequest, request_id)

    async def lock(self, request_id: UUID) -> JoinRequest | None:
        """Return a request by id, locked and refreshed."""
        return await self._session.get(JoinRequest, request_id, with_for_update=True, populate_existing=True)

    async def whole(self, request_id: UUID) -> Asked | None:
        """Return a request with its account and unit."""
        return (await self._session.execute(_whole().where(JoinRequest.id == request_id))).first()

    async def of_person(self, sub: UUID, paging: PageRequest) -> Listed[Asked]:
        """Return a person's requests, latest first."""
        mine = _whole().where(JoinRequest.account_id == sub)
        return await listed(self._session, mine, by_id(JoinRequest.id, latest_first=True), paging)

    async def pending_under(
        self, path: str, wanted: JoinFilter, sort: AgeSort, paging: PageRequest
    ) -> Listed[Asked]:
        """Return pending requests for units in a subtree."""
        statement = _whole().where(_PENDING, under(Unit.path, path))
        if wanted.waiting:
            statement = statement.where(_waits_for(path))
        if wanted.unit_id is not None:
            statement = statement.where(JoinRequest.unit_id == wanted.unit_id)
        if wanted.transfer is not None:
            leaves = JoinRequest.leaves_membership_id.is_not(None)
            statement = statement.where(leaves if wanted.transfer else ~leaves)
        if wanted.name is not None:
            statement = statement.where(Account.name.contains(wanted.name, autoescape=True))
        return await listed(self._session, statement, sort.of(JoinRequest.id), paging)

    async def count_waiting(self, path: str, most: int) -> int:
        """Return the number of requests about which the administrators of a unit have been asked, at most
        `most`.
        """
        some = _whole().where(_PENDING, under(Unit.path, path), _waits_for(path)).limit(most)
        counted = select(func.count()).select_from(some.with_only_columns(JoinRequest.id).subquery())
        return await self._session.scalar(counted) or 0

    async def pending_of(self, sub: UUID) -> bool:
        """Return whether a person has a pending request."""
        statement = select(exists().where(JoinRequest.account_id == sub, _PENDING))
        return bool(await self._session.scalar(statement))

    async def pending_for(self, unit_id: UUID, limit: int) -> Sequence[JoinRequest]:
        """Return the first pending requests for a unit, locked."""
        return (
            await self._session.scalars(
                select(JoinRequest)
                .where(JoinRequest.unit_id == unit_id, _PENDING)
                .order_by(JoinRequest.id)
                .limit(limit)
                .with_for_update()
            )
        ).all()

    async def to_escalate(self, now: datetime, limit: int) -> Sequence[JoinRequest]:
        """Return requests that have been unanswered for too long, locked; others' locked ones are skipped."""
        asked_never = and_(JoinRequest.responsible_unit_id.is_(None), JoinRequest.escalate_at.is_(None))
        return await self._due(or_(JoinRequest.escalate_at <= now, asked_never), limit)

    async def provisional(self, after: UUID | None, limit: int) -> Sequence[JoinRequest]:
        """Return requests whose deadline depends on unpublished workdays, by id; locked."""
        statement = (
            select(JoinRequest)
            .where(_PENDING, JoinRequest.provisional_since.is_not(None))
            .order_by(JoinRequest.id)
            .limit(limit)
            .with_for_update()
        )
        if after is not None:
            statement = statement.where(JoinRequest.id > after)
        return (await self._session.scalars(statement)).all()

    async def to_expire(self, now: datetime, limit: int) -> Sequence[JoinRequest]:
        """Return requests that nobody has decided in time, locked; others' locked ones are skipped."""
        return await self._due(JoinRequest.expires_at <= now, limit)

    async def _due(self, condition: ColumnElement[bool], limit: int) -> Sequence[JoinRequest]:
        return (
            await self._session.scalars(
                select(JoinRequest)
                .where(_PENDING, condition)
                .order_by(JoinRequest.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        ).all()


def _whole() -> Select[JoinRequest, Account, Unit]:
    return (
        select(JoinRequest, Account, Unit)
        .join(Account, Account.id == JoinRequest.account_id)
        .join(Unit, Unit.id == JoinRequest.unit_id)
        .outerjoin(_RESPONSIBLE, _RESPONSIBLE.id == JoinRequest.responsible_unit_id)
    )


def _waits_for(path: str) -> ColumnElement[bool]:
    """Requests for the unit at `path`, and those for units below that have come up to it or further."""
    labels = path.split(".")
    at_or_above = [".".join(labels[:count]) for count in range(1, len(labels) + 1)]
    return or_(
        Unit.path == func.text2ltree(path),
        _RESPONSIBLE.path == any_(cast(literal(at_or_above, ARRAY(Text)), ARRAY(LTree))),
    )
