"""Who administers a unit, and who belongs to it, for features without a caller."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.models import Account
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

    async def nearest_holders(
        self, paths: Sequence[str], roles: Collection[str], *, besides: UUID, limit: int
    ) -> tuple[Unit, list[Account]] | None:
        """Return the lowest of the units at `paths` in which somebody besides one person has one of `roles`,
        and up to `limit` of those people who can be reached by text message.
        """
        found = await self._rows.nearest_with_roles(paths, roles, besides=besides, limit=limit)
        if not found:
            return None
        nearest = found[0][0]
        return nearest, [account for unit, account in found if unit.id == nearest.id]

    async def has_member(self, unit_id: UUID, sub: UUID) -> bool:
        """Return whether a person belongs to a unit."""
        return any(unit.id == unit_id for _, unit in await self._rows.active(sub))

    async def others(self, unit_id: UUID, sub: UUID) -> int:
        """Return the number of active administrators of a unit besides one person."""
        return await self._rows.administrators(unit_id, besides=sub)
