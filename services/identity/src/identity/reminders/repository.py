"""Queries for text messages of reminders."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from contracts.vocabulary import AccountStatus, Role
from identity.accounts.models import Account
from identity.memberships.models import Membership
from identity.reminders.models import ReminderBudget

TOTAL = "total"
"""The scope of the budget of all units."""


class ReminderRepository:
    """Find who is reminded, and count the messages."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def administrators(self, units: Sequence[UUID], each: int) -> list[tuple[UUID, Account]]:
        """Return up to `each` active administrators of each unit, those who have been there longest first."""
        place = func.row_number().over(
            partition_by=Membership.unit_id, order_by=(Membership.started_at, Membership.id)
        )
        ranked = (
            select(Membership.unit_id, Membership.account_id, place.label("place"))
            .join(Account, Account.id == Membership.account_id)
            .where(
                Membership.unit_id == any_(literal(list(units), ARRAY(Uuid))),
                Membership.ended_at.is_(None),
                Membership.roles.contains([Role.UNIT_ADMIN.value]),
                Account.status == AccountStatus.ACTIVE,
                Account.phone_lost_at.is_(None),
            )
            .subquery()
        )
        rows = await self._session.execute(
            select(ranked.c.unit_id, Account)
            .join(Account, Account.id == ranked.c.account_id)
            .where(ranked.c.place <= each)
            .order_by(ranked.c.unit_id, ranked.c.place)
        )
        return [(row[0], row[1]) for row in rows]

    async def spend(self, scope: str, day: date, limit: int) -> bool:
        """Count a message; return False if the budget is used up. The row stays locked."""
        if limit == 0:
            return False
        used = insert(ReminderBudget).values(scope=scope, day=day, used=1)
        counted = await self._session.scalar(
            used.on_conflict_do_update(
                index_elements=["scope", "day"],
                set_={"used": ReminderBudget.used + 1},
                where=ReminderBudget.used < limit,
            ).returning(ReminderBudget.used)
        )
        return counted is not None
