"""Reach: a viewer sees its own unit and the units below it. A request for another unit is refused and
recorded.
"""

from typing import NoReturn
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.access.models import AccessRefusal
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from replica.errors import UnitNotReplicated
from servicekit.clock import Clock
from servicekit.logs import correlation_id


class Access:
    """Check whether a unit is within the caller's reach."""

    def __init__(self, session: AsyncSession, clock: Clock, units: Units) -> None:
        self._session = session
        self._clock = clock
        self._units = units

    async def own(self, actor: Principal) -> Unit:
        """Return the unit that the caller acts for. Raises `UnitNotReplicated`."""
        assert actor.acting is not None
        unit = await self._units.find(actor.acting.unit)
        if unit is None:
            raise UnitNotReplicated
        return unit

    async def unit(self, actor: Principal, unit_id: UUID | None, action: str) -> Unit:
        """Return the unit, or the caller's own when `unit_id` is None.

        Raises `UnitNotFound`, `UnitOutOfReach`, and as `own` does.
        """
        own = await self.own(actor)
        unit = own if unit_id is None else await self._units.find(unit_id)
        if unit is None:
            raise UnitNotFound
        self.path(actor, unit.id, unit.path, action)
        return unit

    async def place(self, actor: Principal, unit_id: UUID, at_intake: str, action: str) -> None:
        """Verify that a unit is in the caller's subtree now, or was if the replica no longer has it.

        What a unit sent moves with it: its present superiors can see and withdraw it, its former ones cannot.
        """
        unit = await self._units.find(unit_id)
        self.path(actor, unit_id, at_intake if unit is None else unit.path, action)

    def path(self, actor: Principal, unit_id: UUID, path: str, action: str) -> None:
        """Verify that `path` is in the caller's subtree. Otherwise record it and raise `UnitOutOfReach`."""
        if not actor.reaches(path):
            self.refuse(actor, unit_id, path, action)

    def refuse(self, actor: Principal, unit_id: UUID, path: str, action: str) -> NoReturn:
        """Record that `path` is out of the caller's reach, and raise `UnitOutOfReach`."""
        assert actor.acting is not None
        refusal = UnitOutOfReach()
        self._session.add(
            AccessRefusal(
                at=self._clock.now(),
                sub=actor.sub,
                client_id=actor.client_id,
                acting_unit_id=actor.acting.unit,
                acting_path=actor.acting.path,
                unit_id=unit_id,
                unit_path=path,
                action=action,
                code=refusal.code,
                correlation_id=correlation_id(),
            )
        )
        raise refusal
