"""Queries of the indexer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from contracts.vocabulary import AccountStatus
from office.directory.models import Person, PersonSearch, SearchQueue, Unit, UnitSearch
from searchkit import index


@dataclass(frozen=True)
class Belonging:
    """A person in one of their units."""

    sub: UUID
    name: str
    phone_masked: str
    unit_id: UUID
    unit_path: str
    unit_name: str
    unit_short_name: str
    posts: Sequence[str]


class IndexRepository(index.IndexRepository):
    """The queue, the sources and the indexed rows."""

    queue = SearchQueue
    unit = Unit
    unit_search = UnitSearch
    person_search = PersonSearch
    person_key = ("sub", "unit_id")
    people_first = True

    def everybody(self) -> Select[Any]:
        """Return the query of the ids of all people."""
        return select(Person.sub)

    def members(self, unit_ids: Sequence[UUID]) -> Select[Any]:
        """Return the query of the ids of the people who are found in units."""
        return select(PersonSearch.sub).where(PersonSearch.unit_id.in_(unit_ids))

    async def people(self, ids: Sequence[UUID]) -> list[Belonging]:
        """Return these people, if active, in each of their units, also in those that are not known yet."""
        people = (
            await self._session.scalars(
                select(Person).where(Person.sub.in_(ids), Person.status == AccountStatus.ACTIVE)
            )
        ).all()
        of_units = {one.unit_id for person in people for one in person.memberships}
        of_units |= {person.unit_id for person in people if person.unit_id is not None}
        rows = await self._session.scalars(select(Unit).where(Unit.id.in_(sorted(of_units))))
        units = {unit.id: unit for unit in rows}
        found = []
        for person in people:
            held = {one.unit_id: (one.unit_path, one.posts) for one in person.memberships}
            if person.unit_id is not None:
                # Events of an earlier release had no memberships.
                held.setdefault(person.unit_id, (person.unit_path or "", []))
            for unit_id, (path, posts) in held.items():
                unit = units.get(unit_id)
                of_unit = (path, "", "") if unit is None else (unit.path, unit.name, unit.short_name)
                found.append(
                    Belonging(person.sub, person.name, person.phone_masked, unit_id, *of_unit, posts)
                )
        return found
