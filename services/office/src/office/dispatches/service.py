"""Sending a notice to units below, and how it reached a unit."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Reach
from office.addressing.rules import Address, on_the_way
from office.addressing.service import Addressing
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.errors import AlreadyForwarded
from office.dispatches.models import Cover, Forwarding
from office.dispatches.repository import Delivery, DispatchRepository


@dataclass(frozen=True)
class Sent:
    """A dispatch, and the number of units that it adds to those its sender had addressed."""

    forwarding: Forwarding
    delivered_to: int
    address: Address
    """Whom it addresses, with the units of groups instead of the groups."""


class Dispatches:
    """Send and find dispatches within one request."""

    def __init__(self, session: AsyncSession, units: Units, addressing: Addressing) -> None:
        self._units = units
        self._addressing = addressing
        self._dispatches = DispatchRepository(session)

    async def hold(self, notice_id: UUID) -> None:
        """Take part in circulation: a withdrawal waits until this transaction ends, or has ended before.

        Call it before reading the notice's status and the time.
        """
        await self._dispatches.hold(notice_id)

    async def stop(self, notice_id: UUID) -> None:
        """End circulation: wait for all who hold the notice. Call it before taking the time."""
        await self._dispatches.stop(notice_id)

    async def lock(self, notice_id: UUID, unit: Unit) -> None:
        """Have dispatches and returns of the notice by the unit wait for this transaction."""
        await self._dispatches.lock_sender(notice_id, unit.id)

    async def send(
        self,
        notice_id: UUID,
        sender: Unit,
        address: Address,
        *,
        cover_text: str | None,
        deadline: datetime,
        by: UUID,
        now: datetime,
    ) -> Sent:
        """Send the notice to the units that `address` adds to those `sender` has addressed.

        Raises `AlreadyForwarded` if it adds none, and as `Addressing.count` does.
        """
        address = await self._addressing.resolved(sender, address)
        await self._dispatches.lock_sender(notice_id, sender.id)
        earlier = await self._dispatches.of_unit(notice_id, sender.id)
        delivered_to = await self._addressing.count(sender, address)
        picked = list(address.picked)
        if earlier:
            if address.reach is Reach.PICKED:
                picked = list(await self._dispatches.new_units(notice_id, sender, address))
                delivered_to = len(picked)
            else:
                delivered_to = await self._dispatches.count_new(notice_id, sender, address)
            if delivered_to == 0:
                raise AlreadyForwarded
        forwarding = Forwarding(
            notice_id=notice_id,
            unit_id=sender.id,
            number=len(earlier) + 1,
            cover_text=cover_text,
            deadline=deadline,
            forwarded_by=by,
            forwarded_at=now,
        )
        forwarding.set_address(address)
        await self._dispatches.add(forwarding, picked)
        return Sent(forwarding, delivered_to, address)

    async def count_new(self, notice_id: UUID, sender: Unit, address: Address, total: int) -> int:
        """Return how many of the `total` units of `address` the sender has not addressed yet."""
        if not await self._dispatches.of_unit(notice_id, sender.id):
            return total
        address = await self._addressing.resolved(sender, address)
        return await self._dispatches.count_new(notice_id, sender, address)

    async def delivery(self, notice_id: UUID, unit: Unit) -> Delivery | None:
        """Return the dispatch by which the unit has the notice."""
        return await self._dispatches.first(notice_id, unit.id)

    async def of_unit(self, notice_id: UUID, unit: Unit) -> list[Forwarding]:
        """Return the unit's own dispatches of the notice, in their order."""
        return list(await self._dispatches.of_unit(notice_id, unit.id))

    async def covers(self, notice_id: UUID, path: str) -> list[Cover]:
        """Return the dispatches with a cover text on the way to the unit at `path`, from the top down.

        Those that addressed other branches only are not on the way.
        """
        codes = path.split(".")
        line = await self._dispatches.on_path(codes)
        depths = {unit.id: codes.index(unit.code) for unit in line}
        standings = await self._addressing.standings(line)
        picked = await self._dispatches.picked_among(notice_id, list(depths))
        covers: list[Cover] = []
        for cover in await self._dispatches.by_units(notice_id, codes[:-1]):
            sent = cover.forwarding
            below = [
                (unit.id, standings[unit.id].since(sent.forwarded_at))
                for unit in line
                if depths[unit.id] > depths[sent.unit_id]
            ]
            address = sent.address(sorted(picked.get(sent.id, ())))
            if sent.cover_text is not None and on_the_way(address, below):
                covers.append(cover)
        return sorted(covers, key=lambda cover: depths[cover.unit.id])
