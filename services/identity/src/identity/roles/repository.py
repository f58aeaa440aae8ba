"""Queries for roles."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.roles.models import RoleDefinition


class RoleRepository:
    """The few roles that exist."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> Sequence[RoleDefinition]:
        """Return all roles in the order of lists."""
        return (await self._session.scalars(select(RoleDefinition).order_by(RoleDefinition.position))).all()
