"""Queries over returns."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import ReturnStatus
from office.directory.models import Unit
from office.notices.models import Notice
from office.returns.models import STANDING, Return
from servicekit.lists import Listed, Order, listed
from servicekit.paging import PageRequest, instant, integer

_LATEST = Order(
    (Return.returned_at, Return.notice_id, Return.unit_id, Return.number),
    (instant, UUID, UUID, integer),
    descending=True,
)


class ReturnLine(NamedTuple):
    """A return, with the unit that returned the notice (None if not replicated)."""

    given_back: Return
    notice: Notice
    unit: Unit | None


class ReturnRepository:
    """Read and write returns."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def latest(self, notice_id: UUID, unit_id: UUID, *, lock: bool = False) -> Return | None:
        """Return the unit's latest return of the notice."""
        statement = (
            select(Return)
            .where(Return.notice_id == notice_id, Return.unit_id == unit_id)
            .order_by(Return.number.desc())
            .limit(1)
            .execution_options(populate_existing=True)
        )
        if lock:
            statement = statement.with_for_update()
        return (await self._session.scalars(statement)).one_or_none()

    async def standing(self, notice_id: UUID, unit_id: UUID) -> bool:
        """Return whether the unit has a return of the notice that is open or confirmed."""
        statement = select(Return.number).where(
            Return.notice_id == notice_id, Return.unit_id == unit_id, Return.status.in_(STANDING)
        )
        return (await self._session.scalars(statement)).first() is not None

    async def add(self, given_back: Return) -> None:
        """Write a return."""
        self._session.add(given_back)
        await self._session.flush()

    async def save(self) -> None:
        """Write what has changed."""
        await self._session.flush()

    async def to_unit(
        self,
        unit_id: UUID,
        paging: PageRequest,
        *,
        status: ReturnStatus | None,
        notice_id: UUID | None,
    ) -> Listed[ReturnLine]:
        """Return what was returned to the unit, the latest first. Raises `BadCursor`."""
        statement = (
            select(Return, Notice, Unit)
            .join(Notice, Notice.id == Return.notice_id)
            .outerjoin(Unit, Unit.id == Return.unit_id)
            .where(*_within(unit_id, status, notice_id))
        )
        return (await listed(self._session, statement, _LATEST, paging)).each(lambda row: ReturnLine(*row))


def _within(unit_id: UUID, status: ReturnStatus | None, notice_id: UUID | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Return.to_unit_id == unit_id]
    if status is not None:
        conditions.append(Return.status == status)
    if notice_id is not None:
        conditions.append(Return.notice_id == notice_id)
    return conditions
