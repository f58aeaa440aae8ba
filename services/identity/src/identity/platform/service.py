"""The three separated administrators of the platform."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import PlatformRole
from identity.platform.repository import PlatformRepository


class Platform:
    """Administrators of the platform for one request."""

    def __init__(self, session: AsyncSession) -> None:
        self._rows = PlatformRepository(session)

    async def role_of(self, sub: UUID) -> PlatformRole | None:
        """Return a person's role as administrator of the platform, or None."""
        row = await self._rows.get(sub)
        return None if row is None else row.role
