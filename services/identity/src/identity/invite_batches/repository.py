"""Queries for invitations by a table."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import InviteBatchStatus, InviteResult
from filekit.http import row_number
from identity.invite_batches.models import InviteBatch, InviteBatchRow, InviteBudget
from servicekit.lists import AgeSort, Listed, Order, listed_one
from servicekit.paging import PageRequest

_IN_FILE = Order((InviteBatchRow.number,), (row_number,))


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

    async def of_unit(
        self, unit_id: UUID, status: InviteBatchStatus | None, sort: AgeSort, paging: PageRequest
    ) -> Listed[InviteBatch]:
        """Return a unit's batches; with `status` only those in it."""
        statement = select(InviteBatch).where(InviteBatch.unit_id == unit_id)
        if status is not None:
            statement = statement.where(InviteBatch.status == status)
        return await listed_one(self._session, statement, sort.of(InviteBatch.id), paging)

    async def listed_rows(
        self, batch_id: UUID, result: InviteResult | None, name: str | None, paging: PageRequest
    ) -> Listed[InviteBatchRow]:
        """Return a page of the rows in the order of the file; `name` is a part of the name."""
        statement = select(InviteBatchRow).where(InviteBatchRow.batch_id == batch_id)
        if result is not None:
            statement = statement.where(InviteBatchRow.result == result)
        if name is not None:
            statement = statement.where(InviteBatchRow.name.contains(name, autoescape=True))
        return await listed_one(self._session, statement, _IN_FILE, paging)

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
