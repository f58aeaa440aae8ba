"""Queries over the replica of the units."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CollectionAggregate, Text, Uuid, any_, exists, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import FormerPlace, Unit
from contracts.vocabulary import Kind, Level, UnitStatus


def _any(of: type[Text | Uuid[UUID]], values: Collection[Any]) -> CollectionAggregate[Any]:
    """Return any of some values. Each value of `IN` is a parameter, of which there are 32,767 at most."""
    return any_(literal(list(values), ARRAY(of)))


class UnitRepository:
    """Read units. `cockpit.access` checks reach, or the caller does for a whole subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, unit_id: UUID) -> Unit | None:
        """Return the unit, or None."""
        return await self._session.get(Unit, unit_id)

    async def by_codes(self, codes: Collection[str]) -> Sequence[Unit]:
        """Return the units with these codes; omit codes that do not exist."""
        return (await self._session.scalars(select(Unit).where(Unit.code == _any(Text, codes)))).all()

    async def former_places(self, unit_ids: Collection[UUID]) -> Sequence[FormerPlace]:
        """Return the former places of units."""
        return (
            await self._session.scalars(
                select(FormerPlace).where(FormerPlace.unit_id == _any(Uuid, unit_ids))
            )
        ).all()

    async def once_closed(self, codes: Collection[str]) -> Sequence[Unit]:
        """Return those of the units with these codes that are closed, or were before they opened again."""
        closed_before = exists().where(
            FormerPlace.unit_id == Unit.id, FormerPlace.status != UnitStatus.ACTIVE
        )
        return (
            await self._session.scalars(
                select(Unit).where(
                    Unit.code == _any(Text, codes),
                    (Unit.status != UnitStatus.ACTIVE) | closed_before,
                )
            )
        ).all()

    async def some_children(self, unit_id: UUID, limit: int) -> Sequence[Unit]:
        """Return the first `limit` direct children, as `children` does."""
        statement = select(Unit).where(Unit.parent_id == unit_id).order_by(Unit.code).limit(limit)
        return (await self._session.scalars(statement)).all()

    async def aid_offices(self, like: str, limit: int) -> Sequence[Unit]:
        """Return active aid offices whose region matches a pattern (`LIKE`), ordered by region and code."""
        return (
            await self._session.scalars(
                select(Unit)
                .where(
                    Unit.region_code.like(like),
                    Unit.kind == Kind.STUDENT_AID,
                    Unit.status == UnitStatus.ACTIVE,
                )
                .order_by(Unit.region_code, Unit.code)
                .limit(limit)
            )
        ).all()

    async def children(self, unit_id: UUID) -> Sequence[Unit]:
        """Return direct children in the authority tree, including closed ones, ordered by code."""
        return (
            await self._session.scalars(select(Unit).where(Unit.parent_id == unit_id).order_by(Unit.code))
        ).all()

    async def any_outside(self, path: str, region: str) -> bool:
        """Return whether a school in a subtree lies in another region, or in none."""
        statement = select(Unit.id).where(
            Unit.path.op("<@")(path),
            Unit.level == Level.SCHOOL,
            Unit.region_code.is_distinct_from(region),
        )
        return await self._session.scalar(statement.limit(1)) is not None
