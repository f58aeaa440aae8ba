"""Statements on the audit log."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.models import AuditRecord


class AuditRepository:
    """Rows are only ever added."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows, in one round trip."""
        connection = await self._session.connection()
        await connection.execute(insert(AuditRecord.__table__), rows)  # type: ignore[arg-type]
