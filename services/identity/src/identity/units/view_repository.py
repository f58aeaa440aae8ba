"""Queries for the tree: of today, and of any day from the history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
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
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import Kind, Level, Stage, UnitChangeKind, UnitStatus, Vocabulary
from identity.units.models import Unit, UnitChange
from servicekit.lists import Listed, Order, listed, listed_one
from servicekit.ltree import between, path_of, under
from servicekit.paging import PageRequest, instant, whole_number
from servicekit.words import inline


class UnitSort(Vocabulary):
    """The orders of a list of units."""

    PATH = "path", "按隶属关系"
    NAME = "name", "按名称"
    OPENED_AT = "opened_at", "按设立时间，从新到旧"

    @property
    def order(self) -> Order:
        """The order of the query."""
        match self:
            case UnitSort.PATH:
                return Order((Unit.path,), (path_of,))
            case UnitSort.NAME:
                return Order((Unit.name, Unit.id), (str, UUID))
            case UnitSort.OPENED_AT:
                return Order((Unit.opened_at, Unit.id), (instant, UUID), descending=True)


_BY_CODE_THEN = Order((UnitChange.code,), (str,))
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

    def match(self, state: Mapping[str, Any]) -> bool:
        """Return whether a state of the history is one of these."""
        return (
            self.level in (None, state["level"])
            and self.kind in (None, state["kind"])
            and (self.stage is None or self.stage in state["stages"])
            and self.status in (None, state["status"])
        )


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

    async def subtree(self, path: str, filters: Filters, sort: UnitSort, paging: PageRequest) -> Listed[Unit]:
        """Return units at and below `path`."""
        statement = select(Unit).where(under(Unit.path, path), between(Unit.path, path))
        if filters.level is not None:
            statement = statement.where(Unit.level == filters.level)
        if filters.kind is not None:
            statement = statement.where(Unit.kind == filters.kind)
        if filters.stage is not None:
            statement = statement.where(Unit.stages.contains([filters.stage.value]))
        if filters.status is not None:
            statement = statement.where(Unit.status == filters.status)
        return await listed_one(self._session, statement, sort.order, paging)

    async def history(
        self, unit_id: UUID, kind: UnitChangeKind | None, paging: PageRequest
    ) -> Listed[UnitChange]:
        """Return the changes of a unit, the newest first; with `kind` only those of it."""
        statement = select(UnitChange).where(UnitChange.unit_id == unit_id)
        if kind is not None:
            statement = statement.where(UnitChange.kind == kind)
        order = Order((UnitChange.version,), (whole_number,), descending=True)
        return await listed_one(self._session, statement, order, paging)

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

    async def children_on(self, parent_id: UUID, day: date, paging: PageRequest) -> Listed[UnitOnDay]:
        """Return the active children on a day by code."""
        statement = (
            select(Unit, UnitChange)
            .join(UnitChange, UnitChange.unit_id == Unit.id)
            .where(
                UnitChange.parent_id == parent_id,
                *_on(day),
                _active(UnitChange),
            )
        )
        found = await listed(self._session, statement, _BY_CODE_THEN, paging)
        return Listed([UnitOnDay(*row) for row in found.items], found.next, found.total)

    async def child_on(self, parent_id: UUID, code: str, day: date) -> UnitOnDay | None:
        """Return the child with a code on a day, active or closed."""
        row = (
            await self._session.execute(
                select(Unit, UnitChange)
                .join(UnitChange, UnitChange.unit_id == Unit.id)
                .where(UnitChange.parent_id == parent_id, UnitChange.code == code, *_on(day))
            )
        ).first()
        return None if row is None else UnitOnDay(*row)

    async def levels_on(
        self,
        parents: Sequence[UUID],
        day: date,
        most: int,
        *,
        closed: bool = False,
        after: str | None = None,
    ) -> dict[UUID, list[tuple[UnitOnDay, bool]]]:
        """Return up to `most` children of each parent on a day by code, and whether each has any below it.

        Active ones, with `closed` also the others; with `after`, those of greater codes.
        """
        parent = (
            func.unnest(literal(list(parents), ARRAY(Uuid)))
            .table_valued("id", name="parent")
            .render_derived()
        )
        of_parent, below = aliased(UnitChange), aliased(UnitChange)
        chosen = (
            select(of_parent.unit_id, of_parent.version)
            .where(of_parent.parent_id == parent.c.id, *_on(day, of_parent))
            .order_by(of_parent.code)
            .limit(most)
        )
        there = exists(below.unit_id).where(below.parent_id == UnitChange.unit_id, *_on(day, below))
        if not closed:
            chosen = chosen.where(_active(of_parent))
            there = there.where(_active(below))
        if after is not None:
            chosen = chosen.where(of_parent.code > after)
        child = chosen.lateral("child")
        statement = (
            select(Unit, UnitChange, there.correlate(UnitChange))
            .select_from(parent)
            .join(child, literal_column("true"))
            .join(
                UnitChange, (UnitChange.unit_id == child.c.unit_id) & (UnitChange.version == child.c.version)
            )
            .join(Unit, Unit.id == UnitChange.unit_id)
            .order_by(UnitChange.parent_id, UnitChange.code)
        )
        found: dict[UUID, list[tuple[UnitOnDay, bool]]] = {}
        for unit, change, has in await self._session.execute(statement):
            assert change.parent_id is not None
            found.setdefault(change.parent_id, []).append((UnitOnDay(unit, change), has))
        return found


def _on(day: date, of: type[UnitChange] = UnitChange) -> list[ColumnElement[bool]]:
    return [
        # In the form of the partial indexes.
        of.kind != inline(UnitChangeKind.MOVED_WITH),
        of.effective_on <= day,
        or_(of.valid_to.is_(None), of.valid_to > day),
    ]


def _active(of: type[UnitChange]) -> ColumnElement[bool]:
    active: ColumnElement[bool] = of.state["status"].astext == UnitStatus.ACTIVE.value
    return active
