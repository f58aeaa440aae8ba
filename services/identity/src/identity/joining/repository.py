"""Queries for requests to join."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import JoinRequestStatus
from identity.accounts.models import Account
from identity.joining.models import JoinRequest
from identity.units.models import Unit
from servicekit.ltree import under
from servicekit.words import inline

_PENDING = JoinRequest.status == inline(JoinRequestStatus.PENDING)


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
        return list((await self._session.execute(statement)).all())

    async def count_under(self, path: str, most: int) -> int:
        """Return the number of pending requests for units in a subtree, at most `most`."""
        some = (
            select(JoinRequest.id)
            .join(Unit, Unit.id == JoinRequest.unit_id)
            .where(_PENDING, under(Unit.path, path))
            .limit(most)
        )
        return await self._session.scalar(select(func.count()).select_from(some.subquery())) or 0

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
