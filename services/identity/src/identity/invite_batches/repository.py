"""Queries for invitations by a table."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import InviteResult
from identity.invite_batches.models import InviteBatch, InviteBatchRow, InviteBudget


class InviteBatchRepository:
    """Batches by unit, and their rows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, batch: InviteBatch, rows: Sequence[InviteBatchRow]) -> None:
        """Insert a batch with its rows."""
        self._session.add(batch)
        await self._session.flush()
        self._session.add_all(rows)

    async def get(self, batch_id: UUID, *, lock: bool = False) -> InviteBatch | None:
        """Return a batch."""
        return await self._session.get(
            InviteBatch, batch_id, with_for_update=lock or None, populate_existing=lock
        )

    async def of_unit(self, unit_id: UUID, before: UUID | None, limit: int) -> Sequence[InviteBatch]:
        """Return a unit's batches, latest first, one more than `limit`."""
        statement = select(InviteBatch).where(InviteBatch.unit_id == unit_id).order_by(InviteBatch.id.desc())
        if before is not None:
            statement = statement.where(InviteBatch.id < before)
        return (await self._session.scalars(statement.limit(limit + 1))).all()

    async def rows(
        self, batch_id: UUID, results: Sequence[InviteResult], after: int, limit: int
    ) -> Sequence[InviteBatchRow]:
        """Return rows in the order of the file, after a number; empty `results` means all."""
        statement = (
            select(InviteBatchRow)
            .where(InviteBatchRow.batch_id == batch_id, InviteBatchRow.number > after)
            .order_by(InviteBatchRow.number)
            .limit(limit)
        )
        if results:
            statement = statement.where(InviteBatchRow.result.in_(results))
        return (await self._session.scalars(statement)).all()

    async def budget(self, scope: str, day: date) -> InviteBudget:
        """Return the budget of a scope for a day, locked: others of this scope wait for the transaction."""
        await self._session.execute(
            insert(InviteBudget).values(scope=scope, day=day, used=0).on_conflict_do_nothing()
        )
        return await self._session.get_one(
            InviteBudget, (scope, day), with_for_update=True, populate_existing=True
        )
