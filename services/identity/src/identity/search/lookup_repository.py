"""Queries about lookups by phone number, which the audit log records."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.models import AuditRecord
from servicekit.ids import first_id

LOOKED_UP = "account.looked_up"
"""The action in the audit log."""


class LookupRepository:
    """Lookups by their caller."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, actor: UUID, since: datetime) -> int:
        """Return how many numbers somebody has looked up since a time."""
        statement = select(func.count()).where(
            AuditRecord.actor == str(actor),
            AuditRecord.id >= first_id(since),
            AuditRecord.action == LOOKED_UP,
        )
        return await self._session.scalar(statement) or 0
