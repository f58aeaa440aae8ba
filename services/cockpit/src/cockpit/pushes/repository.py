"""Queries over pushes: what a client may do is decided in them."""

from uuid import UUID

from sqlalchemy import any_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.intake.models import Batch
from cockpit.pushes.models import PushGrant, PushRecord
from contracts.vocabulary import UnitStatus
from servicekit.lists import Listed, Order, listed
from servicekit.ltree import under
from servicekit.paging import PageRequest, instant

_NEWEST = Order((PushGrant.created_at, PushGrant.id), (instant, UUID), descending=True)


class PushRepository:
    """Read and write registrations and records."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def record(self, row: PushRecord) -> None:
        """Add a record."""
        self._session.add(row)

    async def register(self, values: dict[str, object]) -> PushGrant | None:
        """Add a registration; None if the client has one for the unit."""
        found = await self._session.scalars(
            insert(PushGrant).values(values).on_conflict_do_nothing().returning(PushGrant)
        )
        return found.one_or_none()

    async def granted(self, client_id: str, unit_code: str, feed: str) -> tuple[PushGrant, Unit] | None:
        """Return the registration of a client for a feed of an active unit, in force now."""
        rows = await self._session.execute(
            select(PushGrant, Unit)
            .join(Unit, Unit.id == PushGrant.unit_id)
            .where(
                PushGrant.client_id == client_id,
                PushGrant.revoked_at.is_(None),
                PushGrant.feeds.contains([feed]),
                Unit.code == unit_code,
                Unit.status == UnitStatus.ACTIVE,
            )
        )
        row = rows.one_or_none()
        return None if row is None else (row[0], row[1])

    async def pushed(self, client_id: str, batch_id: UUID) -> tuple[Batch, Unit] | None:
        """Return a batch that the client pushed, for a unit and feed that it is registered for now."""
        rows = await self._session.execute(
            select(Batch, Unit)
            .join(Unit, Unit.id == Batch.unit_id)
            .join(PushGrant, PushGrant.unit_id == Batch.unit_id)
            .where(
                Batch.id == batch_id,
                Batch.created_by == client_id,
                PushGrant.client_id == client_id,
                PushGrant.revoked_at.is_(None),
                Batch.feed == any_(PushGrant.feeds),
            )
        )
        row = rows.one_or_none()
        return None if row is None else (row[0], row[1])

    async def below(
        self, path: str, client_id: str | None, in_force: bool | None, paging: PageRequest
    ) -> Listed[tuple[PushGrant, Unit]]:
        """Return registrations for the units that are now in the subtree at `path`, newest first."""
        statement = (
            select(PushGrant, Unit).join(Unit, Unit.id == PushGrant.unit_id).where(under(Unit.path, path))
        )
        if client_id is not None:
            statement = statement.where(PushGrant.client_id == client_id)
        if in_force is not None:
            statement = statement.where(PushGrant.revoked_at.is_(None) == in_force)
        return await listed(self._session, statement, _NEWEST, paging)

    async def locked(self, path: str, grant_id: UUID) -> tuple[PushGrant, Unit] | None:
        """Return a registration for a unit in the subtree at `path`, locked until the transaction ends."""
        rows = await self._session.execute(
            select(PushGrant, Unit)
            .join(Unit, Unit.id == PushGrant.unit_id)
            .where(PushGrant.id == grant_id, under(Unit.path, path))
            .with_for_update(of=PushGrant)
        )
        row = rows.one_or_none()
        return None if row is None else (row[0], row[1])
