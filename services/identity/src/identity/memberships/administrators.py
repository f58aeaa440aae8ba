"""Who administers a unit, and who belongs to it, for features without a caller."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.memberships.repository import MembershipRepository
from identity.units.models import Unit


class Administrators:
    """The active administrators of units, within one request."""

    def __init__(self, session: AsyncSession) -> None:
        self._rows = MembershipRepository(session)

    async def responsible_for(self, unit: Unit, *, above: str | None = None) -> Unit | None:
        """Return the unit whose administrators decide about `unit`: itself, or the nearest above that has an
        active one. With `above`, a path, only units above that one. None if there is none.
        """
        labels = (unit.path if above is None else above).split(".")
        lowest = len(labels) if above is None else len(labels) - 1
        paths = [".".join(labels[:count]) for count in range(1, lowest + 1)]
        return await self._rows.nearest_administered(paths) if paths else None

    async def has_member(self, unit_id: UUID, sub: UUID) -> bool:
        """Return whether a person belongs to a unit."""
        return any(unit.id == unit_id for _, unit in await self._rows.active(sub))

    async def others(self, unit_id: UUID, sub: UUID) -> int:
        """Return the number of active administrators of a unit besides one person."""
        return await self._rows.administrators(unit_id, besides=sub)
