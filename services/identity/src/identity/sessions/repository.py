"""Queries over browser sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.sessions.models import BrowserSession


class SessionRepository:
    """Sessions by id and by account."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, sid: UUID) -> BrowserSession | None:
        """A session by `sid`."""
        return await self._session.get(BrowserSession, sid)

    def add(self, row: BrowserSession) -> None:
        """Store a new session."""
        self._session.add(row)

    async def end_all(self, sub: UUID, now: datetime, because: str) -> None:
        """End every session of a person."""
        await self._session.execute(
            update(BrowserSession)
            .where(BrowserSession.account_id == sub, BrowserSession.ended_at.is_(None))
            .values(ended_at=now, ended_because=because)
        )
