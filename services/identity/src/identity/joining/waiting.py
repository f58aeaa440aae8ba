"""Whether somebody waits to join a unit, for features that have no use for the requests themselves."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.joining.repository import JoinRepository


class JoinsWaiting:
    """Pending requests to join, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._rows = JoinRepository(session)

    async def of(self, sub: UUID) -> bool:
        """Return whether a person has a pending request to join a unit, of their own or as a transfer."""
        return await self._rows.pending_of(sub)
