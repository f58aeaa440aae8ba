"""Queries for the tree: of today, and of any day from the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Text,
    Uuid,
    any_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import Kind, Level, Stage, UnitStatus
from identity.units.models import Unit, UnitChange
from identity.units.repository import IN_FORCE
from servicekit.ltree import between, under
from servicekit.words import inline

Sort = Literal["path", "name", "opened_at"]
_ACTIVE = inline(UnitStatus.ACTIVE)
MOST_LEVELS = 20
"""More than any chain of superiors has."""


@dataclass(frozen=True)
class Filters:
    """Which units of a subtree; None for all."""

    level: Level | None = None
    kind: Kind | None = None
    stage: Stage | None = None
    status: UnitStatus | None = None


@dataclass(frozen=True)
class UnitOnDay:
    """A unit and its state on a day."""

    unit: Unit
    state: UnitChange


class ViewRepository:
    """Reads only."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def ancestors(self, path: str) -> Sequence[Unit]:
        """Return the superiors of the unit at `path` and the unit itself, the root first."""
        codes = path.split(".")
        statement = select(Unit).where(Unit.code == any_(literal(codes, ARRAY(Text)))).order_by(Unit.path)
        return (await self._session.scalars(statement)).all()

    async def children(self, parents: Sequence[UUID], most: int) -> dict[UUID, list[tuple[Unit, bool]]]:
        """Return up to `most` active children of each parent by code, and whether each has any below it."""
        parent = (
            func.unnest(literal(list(parents), ARRAY(Uuid)))
            .table_valued("id", name="parent")
            .render_derived()
        )
        of_parent, below = aliased(Unit), aliased(Unit)
        child = (
            select(of_parent.id)
            .where(of_parent.parent_id == parent.c.id, of_parent.status == _ACTIVE)
            .order_by(of_parent.code)
            .limit(most)
            .lateral("child")
        )
        has_children = (
            exists(below.id).where(below.parent_id == Unit.id, below.status == _ACTIVE).correlate(Unit)
        )
        statement = (
            select(Unit, has_children)
            .select_from(parent)
            .join(child, literal_column("true"))
            .join(Unit, Unit.id == child.c.id)
            .order_by(Unit.parent_id, Unit.code)
        )
        found: dict[UUID, list[tuple[Unit, bool]]] = {}
        for unit, has in await self._session.execute(statement):
            assert unit.parent_id is not None
            found.setdefault(unit.parent_id, []).append((unit, has))
        return found

    async def subtree(
        self, path: str, filters: Filters, sort: Sort, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[Unit]:
        """Return units at and below `path`, one more than `limit`."""
        statement = select(Unit).where(under(Unit.path, path), between(Unit.path, path))
        if filters.level is not None:
            statement = statement.where(Unit.level == filters.level)
        if filters.kind is not None:
            statement = statement.where(Unit.kind == filters.kind)
        if filters.stage is not None:
            statement = statement.where(Unit.stages.contains([filters.stage.value]))
        if filters.status is not None:
            statement = statement.where(Unit.status == filters.status)
        match sort:
            case "path":
                if after is not None:
                    statement = statement.where(Unit.path > func.text2ltree(after[0]))
                statement = statement.order_by(Unit.path)
            case "name":
                if after is not None:
                    statement = statement.where(tuple_(Unit.name, Unit.id) > tuple_(*after))
                statement = statement.order_by(Unit.name, Unit.id)
            case "opened_at":
                if after is not None:
                    statement = statement.where(tuple_(Unit.opened_at, Unit.id) < tuple_(*after))
                statement = statement.order_by(Unit.opened_at.desc(), Unit.id.desc())
        return (await self._session.scalars(statement.limit(limit + 1))).all()

    async def history(self, unit_id: UUID, before: int | None, limit: int) -> Sequence[UnitChange]:
        """Return the changes of a unit, the newest first, one more than `limit`."""
        statement = select(UnitChange).where(UnitChange.unit_id == unit_id)
        if before is not None:
            statement = statement.where(UnitChange.version < before)
        statement = statement.order_by(UnitChange.version.desc()).limit(limit + 1)
        return (await self._session.scalars(statement)).all()

    async def chain_on(self, unit_id: UUID, day: date) -> list[UnitOnDay]:
        """Return a unit and its superiors with their states on a day, the unit first; empty if it did not
        exist.
        """
        chain: list[UnitOnDay] = []
        wanted: UUID | None = unit_id
        while wanted is not None and len(chain) < MOST_LEVELS:
            row = (
                await self._session.execute(
                    select(Unit, UnitChange)
                    .join(UnitChange, UnitChange.unit_id == Unit.id)
                    .where(UnitChange.unit_id == wanted, *_on(day))
                )
            ).first()
            if row is None:
                break
            chain.append(UnitOnDay(*row))
            wanted = chain[-1].state.parent_id
        return chain

    async def children_on(self, parent_id: UUID, day: date, after: str | None, limit: int) -> list[UnitOnDay]:
        """Return the active children on a day by code, one more than `limit`."""
        statement = (
            select(Unit, UnitChange)
            .join(UnitChange, UnitChange.unit_id == Unit.id)
            .where(
                UnitChange.parent_id == parent_id,
                *_on(day),
                UnitChange.state["status"].astext == UnitStatus.ACTIVE.value,
            )
        )
        if after is not None:
            statement = statement.where(UnitChange.code > after)
        statement = statement.order_by(UnitChange.code).limit(limit + 1)
        return [UnitOnDay(*row) for row in await self._session.execute(statement)]


def _on(day: date) -> list[ColumnElement[bool]]:
    return [
        IN_FORCE,
        UnitChange.effective_on <= day,
        or_(UnitChange.valid_to.is_(None), UnitChange.valid_to > day),
    ]
