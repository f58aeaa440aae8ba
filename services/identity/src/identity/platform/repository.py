"""Queries for administrators of the platform."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.platform.models import PlatformAdministrator


class PlatformRepository:
    """The few administrators of the platform."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, sub: UUID) -> PlatformAdministrator | None:
        """Return a person's role."""
        return await self._session.get(PlatformAdministrator, sub)
