"""Queries of the indexer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, literal, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus, UnitStatus
from office.directory.models import Person, PersonSearch, SearchQueue, Unit, UnitSearch


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


class IndexRepository:
    """The queue, the sources and the indexed rows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def queue_members(self, unit_ids: Sequence[UUID]) -> None:
        """Queue the people of units."""
        if unit_ids:
            people = select(literal("person"), PersonSearch.sub).where(PersonSearch.unit_id.in_(unit_ids))
            await self._session.execute(insert(SearchQueue).from_select(["kind", "id"], people))

    async def queue_everything(self) -> None:
        """Queue all units and people."""
        everything = union_all(select(literal("unit"), Unit.id), select(literal("person"), Person.sub))
        await self._session.execute(insert(SearchQueue).from_select(["kind", "id"], everything))

    async def units(self, ids: Sequence[UUID]) -> Sequence[Unit]:
        """Return the active ones of these units."""
        return (
            await self._session.scalars(
                select(Unit).where(Unit.id.in_(ids), Unit.status == UnitStatus.ACTIVE)
            )
        ).all()

    async def indexed_units(self, ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
        """Return path and words of these units as they are indexed."""
        rows = await self._session.execute(
            select(UnitSearch.unit_id, UnitSearch.path, UnitSearch.words).where(UnitSearch.unit_id.in_(ids))
        )
        return {row.unit_id: (row.path, row.words) for row in rows}

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

    async def replace_people(self, ids: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> None:
        """Write what people are found by; in units without a row they are not found any more."""
        gone = delete(PersonSearch).where(PersonSearch.sub.in_(ids))
        if rows:
            kept = [(row["sub"], row["unit_id"]) for row in rows]
            gone = gone.where(tuple_(PersonSearch.sub, PersonSearch.unit_id).not_in(kept))
        await self._session.execute(gone)
        await self._write(PersonSearch, rows, ("sub", "unit_id"))

    async def replace_units(self, ids: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> None:
        """Write what units are found by; those without a row are not found any more."""
        kept = {row["unit_id"] for row in rows}
        gone = [unit for unit in ids if unit not in kept]
        await self._session.execute(delete(UnitSearch).where(UnitSearch.unit_id.in_(gone)))
        await self._write(UnitSearch, rows, ("unit_id",))

    async def _write(self, model: Any, rows: Sequence[dict[str, Any]], key: tuple[str, ...]) -> None:
        if not rows:
            return
        statement = pg_insert(model)
        new = {name: statement.excluded[name] for name in rows[0] if name not in key}
        connection = await self._session.connection()
        await connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=new), rows)
