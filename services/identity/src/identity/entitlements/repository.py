"""Queries for entitlements."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.entitlements.models import Entitlement

_HELD = Entitlement.withdrawn_at.is_(None)


class EntitlementRepository:
    """Entitlements by person."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Entitlement) -> None:
        """Insert a row."""
        self._session.add(row)

    async def names(self, sub: UUID) -> list[str]:
        """Return a person's entitlements."""
        rows = await self._session.scalars(
            select(Entitlement.name).where(Entitlement.account_id == sub, _HELD)
        )
        return sorted(rows)

    async def lock(self, sub: UUID, name: str) -> Entitlement | None:
        """Return one entitlement of a person, locked."""
        found: Entitlement | None = await self._session.scalar(
            select(Entitlement)
            .where(Entitlement.account_id == sub, Entitlement.name == name, _HELD)
            .with_for_update()
        )
        return found

    async def lock_all(self, sub: UUID) -> Sequence[Entitlement]:
        """Return all entitlements of a person, locked."""
        return (
            await self._session.scalars(
                select(Entitlement)
                .where(Entitlement.account_id == sub, _HELD)
                .order_by(Entitlement.id)
                .with_for_update()
            )
        ).all()

    async def bulk_insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert many rows."""
        await self._session.execute(insert(Entitlement), rows)
