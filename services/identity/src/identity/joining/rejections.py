"""Rejection of what waits for a unit that has ended."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.joining.repository import JoinRepository
from servicekit.clock import Clock


class Rejections:
    """Rejections without a caller, within one transaction."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._clock = clock
        self._rows = JoinRepository(session)

    async def reject(self, unit_id: UUID, by: UUID, reason: str, limit: int) -> int:
        """Reject pending requests for a unit, at most `limit`. Return their number."""
        requests = await self._rows.pending_for(unit_id, limit)
        for request in requests:
            request.reject(by, self._clock.now(), reason)
        return len(requests)
