"""Queries over the receipts of a unit and of a person."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.directory.models import Unit
from office.receipts.models import Read, Signature


class ReceiptRepository:
    """Read signatures and reads."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def signature(self, notice_id: UUID, unit: Unit) -> Signature | None:
        """Return the unit's own signature of the notice."""
        return await self._session.get(Signature, (notice_id, unit.id))

    async def read(self, notice_id: UUID, sub: UUID) -> Read | None:
        """Return the time at which the person read the notice."""
        return await self._session.get(Read, (notice_id, sub))
