"""Queries for roles."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.roles.models import RoleDefinition


class RoleRepository:
    """The few roles that exist."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self, *, retired: bool = False) -> Sequence[RoleDefinition]:
        """Return the roles in use in the order of lists, with `retired` also the others."""
        statement = select(RoleDefinition).order_by(RoleDefinition.position)
        if not retired:
            statement = statement.where(RoleDefinition.retired_at.is_(None))
        return (await self._session.scalars(statement)).all()

    async def page(self, after: str | None, limit: int) -> Sequence[RoleDefinition]:
        """Return all roles, also retired ones, by code, one more than `limit`: the snapshot."""
        statement = select(RoleDefinition).order_by(RoleDefinition.code).limit(limit + 1)
        if after is not None:
            statement = statement.where(RoleDefinition.code > after)
        return (await self._session.scalars(statement)).all()
