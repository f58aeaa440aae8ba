"""Queries for hand-overs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from identity.accounts.models import Account
from identity.member_changes.models import HandOver
from identity.units.models import Unit
from servicekit.lists import Listed, by_id, listed
from servicekit.paging import PageRequest


class HandOverRepository:
    """Hand-overs by id and by unit."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: HandOver) -> None:
        """Insert a hand-over."""
        self._session.add(row)

    async def get(self, hand_over_id: UUID) -> HandOver | None:
        """Return a hand-over."""
        return await self._session.get(HandOver, hand_over_id)

    async def lock(self, hand_over_id: UUID) -> HandOver | None:
        """Return a hand-over, locked and refreshed."""
        return await self._session.get(HandOver, hand_over_id, with_for_update=True, populate_existing=True)

    async def open_of(self, membership_id: UUID) -> HandOver | None:
        """Return the hand-over of a membership that has not been acknowledged, locked."""
        found: HandOver | None = await self._session.scalar(
            select(HandOver)
            .where(HandOver.membership_id == membership_id, HandOver.completed_at.is_(None))
            .with_for_update()
        )
        return found

    async def open(self, after: UUID, limit: int) -> Sequence[tuple[HandOver, Unit, Unit | None]]:
        """Return hand-overs that have not been acknowledged, in the order of ids after one, each with its
        unit and the unit that takes over the work, if any.
        """
        heir = aliased(Unit)
        rows = (
            select(HandOver, Unit, heir)
            .join(Unit, Unit.id == HandOver.unit_id)
            .outerjoin(heir, heir.id == HandOver.successor_unit_id)
            .where(HandOver.completed_at.is_(None), HandOver.id > after)
            .order_by(HandOver.id)
            .limit(limit)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(rows)]

    async def of_unit(
        self, unit_id: UUID, completed: bool | None, paging: PageRequest
    ) -> Listed[tuple[HandOver, Account]]:
        """Return the hand-overs in a unit with the people who leave, latest first; with `completed` only
        those that are, or are not.
        """
        statement = (
            select(HandOver, Account)
            .join(Account, Account.id == HandOver.account_id)
            .where(HandOver.unit_id == unit_id)
        )
        if completed is not None:
            ended = HandOver.completed_at.is_not(None)
            statement = statement.where(ended if completed else ~ended)
        return await listed(self._session, statement, by_id(HandOver.id, latest_first=True), paging)
