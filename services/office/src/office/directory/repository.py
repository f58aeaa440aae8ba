"""Queries over units."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import UnitStatus
from office.directory.models import FormerPlace, Person, RoleAllowance, Unit
from servicekit.ltree import between, under
from servicekit.paging import MOST_COUNTED
from servicekit.words import inline


class RoleRepository:
    """Query the replica of the roles."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def allowed(self) -> dict[str, frozenset[str]]:
        """Return the permissions of each role; there are some dozens."""
        rows = await self._session.execute(select(RoleAllowance.code, RoleAllowance.permissions))
        return {code: frozenset(permissions) for code, permissions in rows}


class UnitRepository:
    """Query the replica of the units."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, unit_id: UUID) -> Unit | None:
        """Return the unit in any status."""
        return await self._session.get(Unit, unit_id)

    async def person(self, sub: UUID) -> Person | None:
        """Return the person in any status."""
        return await self._session.get(Person, sub)

    async def names(self, people: Iterable[UUID]) -> dict[UUID, str]:
        """Return the names of people by their identifiers."""
        rows = await self._session.execute(
            select(Person.sub, Person.name).where(Person.sub.in_(sorted(people)))
        )
        return {row.sub: row.name for row in rows}

    async def former_places(self, unit_id: UUID) -> Sequence[FormerPlace]:
        """Return the former places of the unit, ordered by date."""
        statement = select(FormerPlace).where(FormerPlace.unit_id == unit_id).order_by(FormerPlace.valid_from)
        return (await self._session.scalars(statement)).all()

    async def count_children(self, unit_id: UUID) -> int:
        """Return the number of active units directly below."""
        statement = (
            select(func.count())
            .select_from(Unit)
            .where(Unit.parent_id == unit_id, Unit.status == UnitStatus.ACTIVE)
        )
        return (await self._session.scalars(statement)).one()

    async def below(self, path: str, *, after: str | None, limit: int) -> Sequence[Unit]:
        """Return active units at or below `path`, ordered by path, starting after the path `after`."""
        statement = select(Unit).where(_below(path))
        if after is not None:
            statement = statement.where(Unit.path > after)
        return (await self._session.scalars(statement.order_by(Unit.path).limit(limit))).all()

    async def count_below(self, path: str) -> int:
        """Return the number of active units at or below `path`, up to one more than lists count."""
        rows = select(Unit.id).where(_below(path)).order_by(Unit.path).limit(MOST_COUNTED + 1).subquery()
        return (await self._session.scalars(select(func.count()).select_from(rows))).one()

    async def by_codes(self, codes: Iterable[str]) -> dict[str, Unit]:
        """Return units by their codes."""
        rows = await self._session.scalars(select(Unit).where(Unit.code.in_(sorted(set(codes)))))
        return {unit.code: unit for unit in rows}

    async def of_ids(self, ids: Iterable[UUID]) -> dict[UUID, Unit]:
        """Return units in any status by their ids."""
        rows = await self._session.scalars(select(Unit).where(Unit.id.in_(sorted(set(ids)))))
        return {unit.id: unit for unit in rows}


def _below(path: str) -> ColumnElement[bool]:
    return and_(under(Unit.path, path), between(Unit.path, path), Unit.status == inline(UnitStatus.ACTIVE))
