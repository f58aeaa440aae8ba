"""Queries over dispatches."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from office.addressing.predicates import recipients
from office.addressing.rules import Address
from office.directory.models import Unit
from office.dispatches.models import Cover, Forwarding, PickedUnit
from office.dispatches.predicates import reached_by
from office.dispatches.rules import CIRCULATION
from office.dispatches.statements import delivered

_SENDING = 0x4E53
"""First key of an advisory lock."""
_DELIVERY = delivered()


class Delivery(NamedTuple):
    """The dispatch by which a unit has a notice, and the unit's path at that time."""

    forwarding: Forwarding
    path: str


class DispatchRepository:
    """Read and write dispatches."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def hold(self, notice_id: UUID) -> None:
        """Wait for a running withdrawal of the notice, and have later ones wait for this transaction.

        An advisory lock instead of the row's: hundreds of signatures a second would write to the one row.
        """
        await self._session.execute(
            select(func.pg_advisory_xact_lock_shared(CIRCULATION, func.hashtext(str(notice_id))))
        )

    async def stop(self, notice_id: UUID) -> None:
        """Wait for everybody who holds the notice, and have everybody else wait for this transaction."""
        await self._session.execute(
            select(func.pg_advisory_xact_lock(CIRCULATION, func.hashtext(str(notice_id))))
        )

    async def lock_sender(self, notice_id: UUID, unit_id: UUID) -> None:
        """Have other dispatches of the notice by the unit wait for this transaction."""
        await self._session.execute(
            select(func.pg_advisory_xact_lock(_SENDING, func.hashtext(f"{notice_id}{unit_id}")))
        )

    async def first(self, notice_id: UUID, unit_id: UUID) -> Delivery | None:
        """Return the dispatch by which the unit has the notice."""
        row = (await self._session.execute(_DELIVERY, {"notice": notice_id, "unit": unit_id})).one_or_none()
        return None if row is None else Delivery(*row)

    async def of_unit(self, notice_id: UUID, unit_id: UUID) -> Sequence[Forwarding]:
        """Return the dispatches of a notice by a unit, in their order."""
        statement = (
            select(Forwarding)
            .where(Forwarding.notice_id == notice_id, Forwarding.unit_id == unit_id)
            .order_by(Forwarding.number)
        )
        return (await self._session.scalars(statement)).all()

    async def by_units(self, notice_id: UUID, codes: Sequence[str]) -> Sequence[Cover]:
        """Return the dispatches of a notice by units with these codes."""
        rows = await self._session.execute(
            select(Unit, Forwarding)
            .join(Forwarding, Forwarding.unit_id == Unit.id)
            .where(Unit.code.in_(codes), Forwarding.notice_id == notice_id)
            .order_by(Forwarding.number)
        )
        return [Cover(*row) for row in rows]

    async def picked_among(self, notice_id: UUID, units: Sequence[UUID]) -> dict[UUID, set[UUID]]:
        """Return which of `units` each dispatch of the notice names, by the id of the dispatch."""
        rows = await self._session.execute(
            select(PickedUnit.forwarding_id, PickedUnit.unit_id).where(
                PickedUnit.notice_id == notice_id, PickedUnit.unit_id.in_(units)
            )
        )
        picked: dict[UUID, set[UUID]] = {}
        for forwarding_id, unit_id in rows:
            picked.setdefault(forwarding_id, set()).add(unit_id)
        return picked

    async def on_path(self, codes: Sequence[str]) -> Sequence[Unit]:
        """Return the units with these codes, in that order."""
        rows = await self._session.scalars(select(Unit).where(Unit.code.in_(codes)))
        return sorted(rows, key=lambda unit: codes.index(unit.code))

    async def count_new(self, notice_id: UUID, sender: Unit, address: Address) -> int:
        """Return how many units `address` adds to those that `sender` has addressed."""
        statement = select(func.count()).select_from(Unit).where(self._new(notice_id, sender, address))
        return (await self._session.scalars(statement)).one()

    async def new_units(self, notice_id: UUID, sender: Unit, address: Address) -> Sequence[UUID]:
        """Return which picked units the sender has not addressed yet."""
        statement = select(Unit.id).where(self._new(notice_id, sender, address)).order_by(Unit.id)
        return (await self._session.scalars(statement)).all()

    def _new(self, notice_id: UUID, sender: Unit, address: Address) -> ColumnElement[bool]:
        by = aliased(Unit)
        earlier = (
            select(Forwarding.id)
            .join(by, by.id == Forwarding.unit_id)
            .where(
                Forwarding.notice_id == notice_id,
                Forwarding.unit_id == sender.id,
                reached_by(Forwarding, by, Unit.id, Unit),
            )
            .correlate(Unit)
        )
        return recipients(sender, address) & ~earlier.exists()

    async def add(self, forwarding: Forwarding, picked: Sequence[UUID]) -> None:
        """Write a dispatch and the units that it names."""
        self._session.add(forwarding)
        await self._session.flush()
        if picked:
            ids = {"notice_id": forwarding.notice_id, "forwarding_id": forwarding.id}
            await self._session.execute(insert(PickedUnit), [{**ids, "unit_id": unit} for unit in picked])
