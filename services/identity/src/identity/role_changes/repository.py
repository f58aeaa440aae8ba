"""Queries for changes of roles, and for the people who hold one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import PlatformRole, ProposalStatus
from identity.delegations.models import Delegation
from identity.memberships.models import Membership
from identity.role_changes.models import RoleChange
from identity.roles.models import RoleDefinition
from servicekit.lists import Listed, by_id, listed_one
from servicekit.paging import PageRequest
from servicekit.words import inline

# Any constant, the same for all processes of Identity on one database.
_LOCK = 0x5A58_524F_4C45


class RoleChangeRepository:
    """The few roles and their changes; holders a batch at a time."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def serialise(self) -> None:
        """Let one change of the roles happen at a time, until the transaction ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(_LOCK)))

    def add(self, row: RoleChange | RoleDefinition) -> None:
        """Insert a row."""
        self._session.add(row)

    async def role(self, code: str) -> RoleDefinition | None:
        """Return a role, locked and refreshed."""
        return await self._session.get(RoleDefinition, code, with_for_update=True, populate_existing=True)

    async def named(self, name: str) -> RoleDefinition | None:
        """Return the role in use with a name."""
        found: RoleDefinition | None = await self._session.scalar(
            select(RoleDefinition).where(RoleDefinition.name == name, RoleDefinition.retired_at.is_(None))
        )
        return found

    async def next_position(self) -> int:
        """Return the place of a new role in lists: the last."""
        return (await self._session.scalar(select(func.max(RoleDefinition.position))) or 0) + 1

    async def change(self, change_id: UUID) -> RoleChange | None:
        """Return a change, locked and refreshed."""
        return await self._session.get(RoleChange, change_id, with_for_update=True, populate_existing=True)

    async def pending_of(self, code: str) -> RoleChange | None:
        """Return the change of a role that waits, locked."""
        found: RoleChange | None = await self._session.scalar(
            select(RoleChange)
            .where(RoleChange.code == code, RoleChange.decided_at.is_(None))
            .with_for_update()
        )
        return found

    async def changes(
        self, code: str | None, status: ProposalStatus | None, paging: PageRequest
    ) -> Listed[RoleChange]:
        """Return changes, of one role if `code` is given, in a status if it is, latest first."""
        statement = select(RoleChange)
        if code is not None:
            statement = statement.where(RoleChange.code == code)
        if status is not None:
            statement = statement.where(RoleChange.status == status)
        return await listed_one(self._session, statement, by_id(RoleChange.id, latest_first=True), paging)

    async def count_for(self, sub: UUID, role: PlatformRole, most: int) -> int:
        """Return the number of changes that an administrator of a kind may confirm, at most `most`."""
        some = (
            select(RoleChange.id)
            .where(
                RoleChange.status == inline(ProposalStatus.PENDING),
                RoleChange.proposed_by != sub,
                RoleChange.proposed_role != role,
            )
            .limit(most)
        )
        return await self._session.scalar(select(func.count()).select_from(some.subquery())) or 0

    async def holders(self, code: str, *, after: UUID | None, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Return active memberships with a role, each with its account, by id."""
        statement = (
            select(Membership.id, Membership.account_id)
            .where(Membership.ended_at.is_(None), Membership.roles.contains([code]))
            .order_by(Membership.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(Membership.id > after)
        return list((await self._session.execute(statement)).all())

    async def delegates(
        self, code: str, now: datetime, *, after: UUID | None, limit: int
    ) -> Sequence[tuple[UUID, UUID]]:
        """Return delegations of a role that have not ended, each with the account of the delegate, by id."""
        statement = (
            select(Delegation.id, Membership.account_id)
            .join(Membership, Membership.id == Delegation.to_membership_id)
            .where(
                Delegation.revoked_at.is_(None), Delegation.ends_at > now, Delegation.roles.contains([code])
            )
            .order_by(Delegation.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(Delegation.id > after)
        return list((await self._session.execute(statement)).all())
