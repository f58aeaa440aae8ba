"""Queries for real-name checks."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.verification.models import RealNameCheck


class CheckRepository:
    """Checks by subject."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def serialise(self, subject: bytes) -> None:
        """Let one check of a subject be counted at a time, until the transaction ends."""
        key = int.from_bytes(subject[:8], "big", signed=True)
        await self._session.execute(select(func.pg_advisory_xact_lock(key)))

    async def count_since(self, subject: bytes, since: datetime) -> int:
        """Return the number of checks of a subject since a time."""
        statement = select(func.count()).where(RealNameCheck.subject == subject, RealNameCheck.at > since)
        return await self._session.scalar(statement) or 0

    def add(self, row: RealNameCheck) -> None:
        """Insert a check."""
        self._session.add(row)
