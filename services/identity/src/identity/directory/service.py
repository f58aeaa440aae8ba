"""Names of people and units that somebody has seen by id."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.directory.repository import DirectoryRepository

MOST_IDS = 100
"""Ids in one request."""


@dataclass(frozen=True)
class Named:
    """An id and its name; for a person also the primary unit."""

    id: UUID
    name: str
    unit_id: UUID | None = None
    unit_name: str | None = None


class Directory:
    """Resolves ids within one request. Unknown ids are omitted."""

    def __init__(self, session: AsyncSession) -> None:
        self._rows = DirectoryRepository(session)

    async def people(self, subs: Sequence[UUID]) -> list[Named]:
        """Return names and primary units of people, by id."""
        return [Named(*row) for row in await self._rows.people(subs)]

    async def units(self, unit_ids: Sequence[UUID]) -> list[Named]:
        """Return names of units, by id."""
        return [Named(*row) for row in await self._rows.units(unit_ids)]
