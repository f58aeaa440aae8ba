"""Queries for invites."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.invites.models import Invite
from servicekit.lists import AgeSort, Listed, listed_one
from servicekit.paging import PageRequest


class InviteRepository:
    """Invites by id and by the hash of their code."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Invite) -> None:
        """Insert an invite."""
        self._session.add(row)

    async def by_hash(self, code_hashes: Sequence[bytes]) -> Invite | None:
        """Return an invite by the hashes of its code under the keys in use."""
        found: Invite | None = await self._session.scalar(
            select(Invite).where(Invite.code_hash.in_(code_hashes))
        )
        return found

    async def of_unit(
        self, unit_id: UUID, sort: AgeSort, paging: PageRequest, *, usable_at: datetime | None
    ) -> Listed[Invite]:
        """Return a unit's invites."""
        statement = select(Invite).where(Invite.unit_id == unit_id)
        if usable_at is not None:
            statement = statement.where(
                Invite.revoked_at.is_(None), Invite.expires_at > usable_at, Invite.uses < Invite.max_uses
            )
        return await listed_one(self._session, statement, sort.of(Invite.id), paging)

    async def lock(self, invite_id: UUID) -> Invite | None:
        """Return an invite by id, locked and refreshed."""
        return await self._session.get(Invite, invite_id, with_for_update=True, populate_existing=True)
