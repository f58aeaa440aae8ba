"""Queries over logout notices."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.oauth.models import Client
from identity.sessions.logout_models import LogoutNotice


class LogoutNotices:
    """Notices that are due."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[LogoutNotice, Client]]:
        """Notices to deliver now with their clients, locked against other processes."""
        rows = await self._session.execute(
            select(LogoutNotice, Client)
            .join(Client, Client.client_id == LogoutNotice.client_id)
            .where(LogoutNotice.dead_at.is_(None), LogoutNotice.next_attempt_at <= now)
            .order_by(LogoutNotice.next_attempt_at)
            .limit(limit)
            .with_for_update(skip_locked=True, of=LogoutNotice)
        )
        return [row.tuple() for row in rows]

    async def get(self, notice_id: UUID) -> LogoutNotice | None:
        """A notice by id, locked."""
        return await self._session.get(LogoutNotice, notice_id, with_for_update=True)

    async def delete(self, notice_id: UUID) -> None:
        """Forget a notice that has arrived."""
        await self._session.execute(delete(LogoutNotice).where(LogoutNotice.id == notice_id))
