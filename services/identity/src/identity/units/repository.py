"""Queries for units."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, any_, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import UnitChangeKind, UnitStatus
from identity.units.changes import Occasion, What
from identity.units.history import Place
from identity.units.models import Unit, UnitChange
from servicekit.db import plan_with_values
from servicekit.lists import Listed, Order, listed_one
from servicekit.ltree import between, under
from servicekit.paging import PageRequest
from servicekit.words import inline

IN_FORCE = UnitChange.kind != inline(UnitChangeKind.MOVED_WITH)
"""The rows that belong to the tree of a day, in the form of the partial indexes."""


def _change(unit: Unit, occasion: Occasion, what: What) -> UnitChange:
    return UnitChange(
        unit_id=unit.id,
        version=unit.version,
        changed_at=occasion.now,
        changed_by=occasion.by,
        state=unit.snapshot(),
        code=unit.code,
        parent_id=unit.parent_id,
        kind=what.kind,
        effective_on=occasion.effective_on,
        reason=occasion.reason,
        document_number=occasion.document_number,
        related_unit_id=what.related_unit_id,
    )


class UnitRepository:
    """Units, restricted to the caller's subtree if a caller is given."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, unit_id: UUID, *, lock: bool = False, share: bool = False) -> Unit | None:
        """Return a unit by id; `lock` locks it for update, `share` prevents changes until the transaction
        ends. Both refresh it.
        """
        mode: Any = True if lock else {"read": True} if share else None
        # Refreshed under the lock: the unit may have been read before, and changed by somebody else since.
        return await self._session.get(
            Unit, unit_id, with_for_update=mode, populate_existing=mode is not None
        )

    async def by_code(self, code: str) -> Unit | None:
        """Return a unit by its code."""
        found: Unit | None = await self._session.scalar(select(Unit).where(Unit.code == code))
        return found

    async def children(self, parent_id: UUID | None, query: str | None, paging: PageRequest) -> Listed[Unit]:
        """Return active direct children by code; without a parent, the units at the top of the tree."""
        below = Unit.parent_id.is_(None) if parent_id is None else Unit.parent_id == parent_id
        statement = select(Unit).where(below, Unit.status == UnitStatus.ACTIVE)
        if query:
            statement = statement.where(Unit.name.contains(query, autoescape=True))
        return await listed_one(self._session, statement, Order((Unit.code,), (str,)), paging)

    async def page_under(self, path: str, *, after: str | None, limit: int) -> Sequence[Unit]:
        """Return units at and below `path` in the order of their paths."""
        await plan_with_values(self._session)
        statement = select(Unit).where(under(Unit.path, path), between(Unit.path, path))
        if after is not None:
            statement = statement.where(Unit.path > func.text2ltree(after))
        statement = statement.order_by(Unit.path).limit(limit).execution_options(populate_existing=True)
        return (await self._session.scalars(statement)).all()

    async def all_under(self, paths: Sequence[str], *, limit: int) -> Sequence[Unit]:
        """Return units at and below each of `paths`, which must not overlap."""
        roots = (
            func.unnest(literal(list(paths), ARRAY(Text))).table_valued("path", name="root").render_derived()
        )
        statement = (
            select(Unit)
            .join(roots, under(Unit.path, func.text2ltree(roots.c.path)))
            .order_by(Unit.path)
            .limit(limit)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).all()

    async def all_of(self, ids: Sequence[UUID]) -> Sequence[Unit]:
        """Return these units, read anew."""
        statement = select(Unit).where(Unit.id == any_(literal(list(ids), ARRAY(Uuid))))
        return (await self._session.scalars(statement.execution_options(populate_existing=True))).all()

    async def has_active_below(self, unit: Unit) -> bool:
        """Return whether any active unit is below."""
        return bool(
            await self._session.scalar(
                select(
                    exists().where(
                        under(Unit.path, unit.path), Unit.id != unit.id, Unit.status == UnitStatus.ACTIVE
                    )
                )
            )
        )

    async def all_after(self, after: tuple[Any, ...] | None, limit: int) -> Sequence[Unit]:
        """Return all units by id, one more than `limit`: the snapshot."""
        statement = select(Unit).order_by(Unit.id).limit(limit + 1)
        if after:
            statement = statement.where(Unit.id > after[0])
        return (await self._session.scalars(statement)).all()

    async def states(self, unit_ids: Sequence[UUID]) -> dict[UUID, list[Place]]:
        """Return the dated states of these units, in the order of their versions."""
        rows = await self._session.execute(
            select(
                UnitChange.unit_id,
                UnitChange.parent_id,
                UnitChange.state["path"].astext,
                UnitChange.state["status"].astext,
                UnitChange.changed_at,
                UnitChange.state["name"].astext,
                UnitChange.state["level"].astext,
                UnitChange.state["kind"].astext,
                UnitChange.state["stages"],
            )
            .where(UnitChange.unit_id == any_(literal(unit_ids, ARRAY(Uuid))))
            .order_by(UnitChange.unit_id, UnitChange.version)
        )
        states: dict[UUID, list[Place]] = {}
        for unit_id, *state, stages in rows:
            place = Place(*state)
            states.setdefault(unit_id, []).append(replace(place, stages=tuple(sorted(stages or ()))))
        return states

    async def count(self) -> int:
        """Return the number of units."""
        return await self._session.scalar(select(func.count()).select_from(Unit)) or 0

    def add(self, unit: Unit, occasion: Occasion, what: What) -> None:
        """Insert a new unit and its first state."""
        self._session.add(unit)
        self._session.add(_change(unit, occasion, what))

    async def keep(self, unit: Unit, occasion: Occasion, what: What) -> None:
        """Add the changed state of a unit to the history; the state before ends on the same date."""
        await self.end_states([unit.id], occasion)
        self._session.add(_change(unit, occasion, what))

    async def end_states(self, unit_ids: Sequence[UUID], occasion: Occasion) -> None:
        """End the states in force of these units."""
        await self._session.execute(
            update(UnitChange)
            .where(
                UnitChange.unit_id == any_(literal(unit_ids, ARRAY(Uuid))),
                UnitChange.valid_to.is_(None),
                IN_FORCE,
            )
            .values(valid_to=occasion.effective_on)
            .execution_options(synchronize_session=False)
        )

    async def bulk_insert(self, rows: Sequence[dict[str, Any]], changes: Sequence[dict[str, Any]]) -> None:
        """Insert many units and their first states."""
        await self._session.execute(insert(Unit), rows)
        await self._session.execute(insert(UnitChange), changes)
