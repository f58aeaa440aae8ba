"""Queries of the revocations that still apply."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from identity.base import Revocation, revocations

Key = tuple[datetime, UUID]


class RevocationRepository:
    """Identity's own rows, which exist before their event has reached a service."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(
        self, now: datetime, recorded_from: datetime | None, after: Key | None, limit: int
    ) -> Sequence[Revocation]:
        """Return revocations of tokens that may not have expired, as recorded, one more than `limit`."""
        columns = revocations.c
        statement = (
            select(Revocation)
            .where(columns.expires_at >= now)
            .order_by(columns.recorded_at, columns.id)
            .limit(limit + 1)
        )
        if recorded_from is not None:
            statement = statement.where(columns.recorded_at >= recorded_from)
        if after is not None:
            statement = statement.where(tuple_(columns.recorded_at, columns.id) > after)
        return (await self._session.scalars(statement)).all()
