"""Queries over displays that wait."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from portal.walls.models import WallRequest


class WallRequestRepository:
    """Read and change them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: WallRequest) -> None:
        """Add a display."""
        self._session.add(row)

    async def locked(self, secret_hash: bytes, now: datetime) -> WallRequest | None:
        """Return a display whose code has not expired, locked until the transaction ends."""
        found: WallRequest | None = await self._session.scalar(
            select(WallRequest)
            .where(WallRequest.secret_hash == secret_hash, WallRequest.expires_at > now)
            .with_for_update()
        )
        return found

    async def delete(self, secret_hash: bytes) -> None:
        """Delete a display."""
        await self._session.execute(delete(WallRequest).where(WallRequest.secret_hash == secret_hash))
