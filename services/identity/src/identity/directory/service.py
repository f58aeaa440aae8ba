"""Names of people and units that somebody has seen by id."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from identity.directory.repository import DirectoryRepository
from identity.names import PersonName, UnitName, unnamed
from servicekit.paging import CountedPage

MOST_IDS = 100
"""Ids in one request."""

Item = TypeVar("Item", bound=BaseModel)


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

    async def name(self, items: Sequence[BaseModel]) -> None:
        """Put names into the fields that are marked for them (`identity.names`)."""
        wanted = list(unnamed(items))
        people = sorted({one.id for one in wanted if one.kind is PersonName})
        units = sorted({one.id for one in wanted if one.kind is UnitName})
        names = {
            PersonName: {one.id: one.name for one in await self.people(people)} if people else {},
            UnitName: {one.id: one.name for one in await self.units(units)} if units else {},
        }
        for one in wanted:
            setattr(one.item, one.field, names[one.kind].get(one.id))

    async def named(self, item: Item) -> Item:
        """Return an item with names in the fields that are marked for them."""
        await self.name([item])
        return item

    async def named_page(self, page: CountedPage[Item]) -> CountedPage[Item]:
        """Return a page with names in the fields of its items."""
        await self.name(page.items)
        return page
