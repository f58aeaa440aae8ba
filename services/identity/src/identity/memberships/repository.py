"""Queries for memberships, invites, requests and entitlements."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import JoinRequestStatus
from identity.accounts.models import Account
from identity.memberships.models import Entitlement, Invite, JoinRequest, Membership
from identity.units.models import Unit
from servicekit.ltree import under
from servicekit.words import inline

_PENDING = JoinRequest.status == inline(JoinRequestStatus.PENDING)


class MembershipRepository:
    """Rows of this feature; list queries are restricted to the caller's subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Membership | Invite | JoinRequest | Entitlement) -> None:
        """Insert a row."""
        self._session.add(row)

    async def invite_by_hash(self, code_hash: bytes) -> Invite | None:
        """Return an invite by the hash of its code."""
        found: Invite | None = await self._session.scalar(select(Invite).where(Invite.code_hash == code_hash))
        return found

    async def lock_invite(self, invite_id: UUID) -> Invite | None:
        """Return an invite by id, locked and refreshed."""
        return await self._session.get(Invite, invite_id, with_for_update=True, populate_existing=True)

    async def request(self, request_id: UUID) -> JoinRequest | None:
        """Return a request by id."""
        return await self._session.get(JoinRequest, request_id)

    async def lock_request(self, request_id: UUID) -> JoinRequest | None:
        """Return a request by id, locked and refreshed."""
        return await self._session.get(JoinRequest, request_id, with_for_update=True, populate_existing=True)

    async def pending_under(
        self, path: str, *, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[tuple[JoinRequest, Account, Unit]]:
        """Return pending requests for units in a subtree, oldest first, one more than `limit`."""
        statement = (
            select(JoinRequest, Account, Unit)
            .join(Account, Account.id == JoinRequest.account_id)
            .join(Unit, Unit.id == JoinRequest.unit_id)
            .where(_PENDING, under(Unit.path, path))
            .order_by(JoinRequest.id)
            .limit(limit + 1)
        )
        if after:
            statement = statement.where(JoinRequest.id > after[0])
        return [row.tuple() for row in (await self._session.execute(statement)).all()]

    async def active(self, sub: UUID) -> tuple[Membership, Unit] | None:
        """Return a person's membership and unit."""
        row = (
            await self._session.execute(
                select(Membership, Unit)
                .join(Unit, Unit.id == Membership.unit_id)
                .where(Membership.account_id == sub, Membership.ended_at.is_(None))
            )
        ).first()
        return None if row is None else row.tuple()

    async def entitlements(self, sub: UUID) -> list[str]:
        """Return a person's entitlements."""
        rows = await self._session.scalars(
            select(Entitlement.name).where(Entitlement.account_id == sub, Entitlement.withdrawn_at.is_(None))
        )
        return sorted(rows)

    async def entitlement(self, sub: UUID, name: str) -> Entitlement | None:
        """Return one entitlement of a person, locked."""
        found: Entitlement | None = await self._session.scalar(
            select(Entitlement)
            .where(
                Entitlement.account_id == sub, Entitlement.name == name, Entitlement.withdrawn_at.is_(None)
            )
            .with_for_update()
        )
        return found

    async def all_entitlements(self, sub: UUID) -> Sequence[Entitlement]:
        """Return all entitlements of a person, locked."""
        return (
            await self._session.scalars(
                select(Entitlement)
                .where(Entitlement.account_id == sub, Entitlement.withdrawn_at.is_(None))
                .with_for_update()
            )
        ).all()

    async def pending_for(self, unit_id: UUID) -> Sequence[JoinRequest]:
        """Return the pending requests for a unit, locked."""
        return (
            await self._session.scalars(
                select(JoinRequest)
                .where(JoinRequest.unit_id == unit_id, _PENDING)
                .order_by(JoinRequest.id)
                .with_for_update()
            )
        ).all()

    async def people_after(
        self, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[tuple[Account, Membership | None, Unit | None]]:
        """Return all accounts with their memberships by id, one more than `limit`: the snapshot."""
        statement = (
            select(Account, Membership, Unit)
            .outerjoin(Membership, (Membership.account_id == Account.id) & Membership.ended_at.is_(None))
            .outerjoin(Unit, Unit.id == Membership.unit_id)
            .order_by(Account.id)
            .limit(limit + 1)
        )
        if after:
            statement = statement.where(Account.id > after[0])
        return [row.tuple() for row in (await self._session.execute(statement)).all()]

    async def members(
        self, unit_id: UUID, *, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[tuple[Account, Membership]]:
        """Return a unit's people, one more than `limit`."""
        statement = (
            select(Account, Membership)
            .join(Membership, (Membership.account_id == Account.id) & Membership.ended_at.is_(None))
            .where(Membership.unit_id == unit_id)
            .order_by(Account.id)
            .limit(limit + 1)
        )
        if after:
            statement = statement.where(Account.id > after[0])
        return [row.tuple() for row in (await self._session.execute(statement)).all()]

    async def all_members(self, unit_id: UUID) -> Sequence[tuple[Account, Membership]]:
        """Return all of a unit's people, locked."""
        statement = (
            select(Account, Membership)
            .join(Membership, (Membership.account_id == Account.id) & Membership.ended_at.is_(None))
            .where(Membership.unit_id == unit_id)
            .order_by(Account.id)
            .with_for_update()
        )
        return [row.tuple() for row in (await self._session.execute(statement)).all()]

    async def bulk_insert(
        self, memberships: Sequence[dict[str, Any]], entitlements: Sequence[dict[str, Any]]
    ) -> None:
        """Insert many rows."""
        await self._session.execute(insert(Membership), memberships)
        if entitlements:
            await self._session.execute(insert(Entitlement), entitlements)
