"""Statements for the audit log."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.models import AuditRecord


class AuditRepository:
    """Insert-only access to audit rows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows in one round trip."""
        connection = await self._session.connection()
        await connection.execute(insert(AuditRecord.__table__), rows)  # type: ignore[arg-type]
