"""Queries that resolve ids to names."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Uuid, and_, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus
from identity.accounts.models import Account
from identity.memberships.models import Membership
from identity.units.models import Unit


class DirectoryRepository:
    """Names of people and units by id."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def people(self, subs: Sequence[UUID]) -> list[tuple[UUID, str, UUID | None, str | None]]:
        """Return id, name, and the primary unit's id and name of these people, except closed accounts."""
        rows = (
            await self._session.execute(
                select(Account.id, Account.name, Unit.id, Unit.name)
                .outerjoin(
                    Membership,
                    and_(
                        Membership.account_id == Account.id,
                        Membership.ended_at.is_(None),
                        Membership.is_primary,
                    ),
                )
                .outerjoin(Unit, Unit.id == Membership.unit_id)
                .where(
                    Account.id == any_(literal(list(subs), ARRAY(Uuid))),
                    Account.status != AccountStatus.CLOSED,
                )
                .order_by(Account.id)
            )
        ).all()
        return list(rows)

    async def units(self, unit_ids: Sequence[UUID]) -> list[tuple[UUID, str]]:
        """Return id and name of these units, in any status."""
        rows = (
            await self._session.execute(
                select(Unit.id, Unit.name)
                .where(Unit.id == any_(literal(list(unit_ids), ARRAY(Uuid))))
                .order_by(Unit.id)
            )
        ).all()
        return list(rows)
