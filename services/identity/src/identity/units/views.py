"""Reading the tree: superiors, subtrees, history, and the tree of any day."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import UnitChangeKind, UnitStatus
from identity.units.changes import day_of
from identity.units.errors import DayInFuture, NoUnitOnDay, UnitNotFound
from identity.units.models import Unit, UnitChange
from identity.units.repository import UnitRepository
from identity.units.schemas import UnitBrief, UnitChangeOut, UnitNode, UnitOut
from identity.units.view_repository import Filters, UnitOnDay, UnitSort, ViewRepository
from identity.units.walk import Walk, Walked
from servicekit.clock import Clock
from servicekit.lists import Listed
from servicekit.paging import CountedPage, PageRequest

MOST_CHILDREN = 100
"""Children of one unit in a tree."""
MOST_NODES = 1000
"""Units in a tree; beyond them, no further level is read."""

Levels = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Sequence[tuple[UnitBrief, bool]]]]]
"""Reads the children of some units, one more than `MOST_CHILDREN` of each, and whether each has any."""


class UnitViews:
    """Views of units for one request. Every member of a unit may see other units."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._clock = clock
        self._units = UnitRepository(session)
        self._views = ViewRepository(session)

    async def ancestors(self, unit_id: UUID) -> Sequence[Unit]:
        """Return the superiors of a unit and the unit itself, the root first. Raises `UnitNotFound`."""
        return await self._views.ancestors((await self._get(unit_id)).path)

    async def tree(self, unit_id: UUID, depth: int) -> UnitNode:
        """Return a unit with `depth` levels of active units below it. Raises `UnitNotFound`."""

        async def levels(parents: Sequence[UUID]) -> dict[UUID, list[tuple[UnitBrief, bool]]]:
            found = await self._views.children(parents, MOST_CHILDREN + 1)
            return {
                parent: [(UnitBrief.model_validate(unit), has) for unit, has in children]
                for parent, children in found.items()
            }

        return await _tree(UnitBrief.model_validate(await self._get(unit_id)), depth, levels)

    async def tree_on(self, unit_id: UUID, day: date, depth: int) -> UnitNode:
        """Return a unit with `depth` levels of the units that were active below it at the end of a day.

        Raises `UnitNotFound`, `NoUnitOnDay`, `DayInFuture`.
        """
        chain = await self._chain_on(unit_id, day)

        async def levels(parents: Sequence[UUID]) -> dict[UUID, list[tuple[UnitBrief, bool]]]:
            found = await self._views.levels_on(parents, day, MOST_CHILDREN + 1)
            return {
                parent: [(_brief(unit), has) for unit, has in children] for parent, children in found.items()
            }

        return await _tree(_brief(chain[0]), depth, levels)

    async def subtree_on(
        self, unit_id: UUID, day: date, filters: Filters, after: str | None, limit: int
    ) -> Walked[UnitOut]:
        """Return units at and below a unit at the end of a day, by path; see `Walk` for the pages.

        Raises `UnitNotFound`, `NoUnitOnDay`, `DayInFuture`.
        """
        chain = await self._chain_on(unit_id, day)
        walk = Walk(self._views, day, filters, limit)
        found = await walk.run(chain[0], _path(chain), after)
        return Walked([_at(unit, path) for unit, path in found.items], found.next)

    async def subtree(
        self, unit_id: UUID, filters: Filters, sort: UnitSort, paging: PageRequest
    ) -> Listed[Unit]:
        """Return units at and below a unit. Raises `UnitNotFound`."""
        unit = await self._get(unit_id)
        return await self._views.subtree(unit.path, filters, sort, paging)

    async def history(
        self, unit_id: UUID, kind: UnitChangeKind | None, paging: PageRequest
    ) -> CountedPage[UnitChangeOut]:
        """Return the changes of a unit, the newest first; with `kind` only those of it.

        Raises `UnitNotFound`.
        """
        unit = await self._get(unit_id)
        found = await self._views.history(unit_id, kind, paging)
        return found.page(lambda row: _change(row, unit))

    async def on(self, unit_id: UUID, day: date) -> UnitOut:
        """Return a unit as it was at the end of a day.

        Raises `UnitNotFound`, `NoUnitOnDay`, `DayInFuture`.
        """
        chain = await self._chain_on(unit_id, day)
        return _at(chain[0], _path(chain))

    async def ancestors_on(self, unit_id: UUID, day: date) -> list[UnitOut]:
        """Return the superiors and the unit on a day, the root first.

        Raises `UnitNotFound`, `NoUnitOnDay`, `DayInFuture`.
        """
        chain = await self._chain_on(unit_id, day)
        return [_at(state, _path(chain[start:])) for start, state in reversed(list(enumerate(chain)))]

    async def children_on(self, unit_id: UUID, day: date, paging: PageRequest) -> CountedPage[UnitOut]:
        """Return the active children on a day by code.

        Raises `UnitNotFound`, `NoUnitOnDay`, `DayInFuture`.
        """
        path = _path(await self._chain_on(unit_id, day))
        found = await self._views.children_on(unit_id, day, paging)
        return found.page(lambda row: _at(row, f"{path}.{row.unit.code}"))

    async def _chain_on(self, unit_id: UUID, day: date) -> list[UnitOnDay]:
        if day > day_of(self._clock.now()):
            raise DayInFuture
        await self._get(unit_id)
        chain = await self._views.chain_on(unit_id, day)
        if not chain:
            raise NoUnitOnDay
        return chain

    async def _get(self, unit_id: UUID) -> Unit:
        unit = await self._units.get(unit_id)
        if unit is None:
            raise UnitNotFound
        return unit


def _path(chain: Sequence[UnitOnDay]) -> str:
    """Return the path of the first unit of a chain, whose last one is the root."""
    return ".".join(of.unit.code for of in reversed(chain))


async def _tree(unit: UnitBrief, depth: int, levels: Levels) -> UnitNode:
    root = _node(unit, has_children=False)
    level = {unit.id: root}
    nodes = 1
    for step in range(depth):
        if not level or nodes > MOST_NODES:
            break
        found = await levels(list(level))
        below: dict[UUID, UnitNode] = {}
        for parent, children in found.items():
            listed = children[:MOST_CHILDREN]
            made = [_node(child, has_children=has) for child, has in listed]
            level[parent].children = made
            level[parent].more = len(children) > len(listed)
            below |= {node.id: node for node in made if node.has_children}
            nodes += len(made)
        if step == 0:
            root.has_children = bool(root.children)
        level = below
    for node in level.values():
        node.more = node.has_children and not node.children
    return root


def _brief(found: UnitOnDay) -> UnitBrief:
    return UnitBrief(id=found.unit.id, **found.state.state)


def _node(brief: UnitBrief, *, has_children: bool) -> UnitNode:
    return UnitNode(**brief.model_dump(), has_children=has_children, more=False, children=[])


def _at(found: UnitOnDay, path: str) -> UnitOut:
    unit, state = found.unit, found.state.state
    closed = state["status"] == UnitStatus.CLOSED
    return UnitOut(
        id=unit.id,
        code=unit.code,
        name=state["name"],
        short_name=state["short_name"],
        level=state["level"],
        kind=state["kind"],
        stages=state["stages"],
        region_code=state["region_code"],
        parent_id=found.state.parent_id,
        path=path,
        status=state["status"],
        version=found.state.version,
        opened_at=unit.opened_at,
        closed_at=unit.closed_at if closed else None,
        duty_phone=state.get("duty_phone"),
        address=state.get("address"),
        merged_into_id=unit.merged_into_id if closed else None,
    )


def _change(row: UnitChange, unit: Unit) -> UnitChangeOut:
    state = row.state
    assert row.kind is not None
    assert row.effective_on is not None
    return UnitChangeOut(
        version=row.version,
        change=row.kind,
        effective_on=row.effective_on,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        reason=row.reason,
        document_number=row.document_number,
        related_unit_id=row.related_unit_id,
        name=state["name"],
        short_name=state.get("short_name", unit.short_name),
        stages=state["stages"],
        region_code=state["region_code"],
        path=state["path"],
        status=state["status"],
        duty_phone=state.get("duty_phone"),
        address=state.get("address"),
    )
