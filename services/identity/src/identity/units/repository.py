"""Queries for units."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, exists, func, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import UnitStatus
from identity.units.history import Place
from identity.units.models import Unit, UnitChange
from servicekit.ltree import under


class UnitRepository:
    """Units, restricted to the caller's subtree if a caller is given."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, unit_id: UUID, *, lock: bool = False, share: bool = False) -> Unit | None:
        """Return a unit by id; `lock` locks it for update, `share` prevents changes until the transaction
        ends.
        """
        mode: Any = True if lock else {"read": True} if share else None
        return await self._session.get(Unit, unit_id, with_for_update=mode)

    async def by_code(self, code: str) -> Unit | None:
        """Return a unit by its code."""
        found: Unit | None = await self._session.scalar(select(Unit).where(Unit.code == code))
        return found

    async def children(
        self, parent_id: UUID, *, query: str | None, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[Unit]:
        """Return active direct children by code, one more than `limit`."""
        statement = select(Unit).where(Unit.parent_id == parent_id, Unit.status == UnitStatus.ACTIVE)
        if query:
            statement = statement.where(Unit.name.contains(query, autoescape=True))
        if after:
            statement = statement.where(Unit.code > after[0])
        return (await self._session.scalars(statement.order_by(Unit.code).limit(limit + 1))).all()

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
        parent = aliased(Unit)
        path = UnitChange.state["path"].astext
        rows = await self._session.execute(
            select(
                UnitChange.unit_id, parent.id, path, UnitChange.state["status"].astext, UnitChange.changed_at
            )
            # A path consists of codes; the second to last is the parent's.
            .outerjoin(parent, parent.code == func.substring(path, r"([^.]+)\.[^.]+$"))
            .where(UnitChange.unit_id == any_(literal(unit_ids, ARRAY(Uuid))))
            .order_by(UnitChange.unit_id, UnitChange.version)
        )
        states: dict[UUID, list[Place]] = {}
        for unit_id, *place in rows:
            states.setdefault(unit_id, []).append(Place(*place))
        return states

    async def count(self) -> int:
        """Return the number of units."""
        return await self._session.scalar(select(func.count()).select_from(Unit)) or 0

    def add(self, unit: Unit, changed_by: UUID | None, changed_at: datetime) -> None:
        """Insert a unit if it is new, and its current state since `changed_at` into the history."""
        self._session.add(unit)
        self._session.add(
            UnitChange(
                unit_id=unit.id,
                version=unit.version,
                changed_at=changed_at,
                changed_by=changed_by,
                state=unit.snapshot(),
            )
        )

    async def bulk_insert(self, rows: Sequence[dict[str, Any]], changes: Sequence[dict[str, Any]]) -> None:
        """Insert many units and their first states."""
        await self._session.execute(insert(Unit), rows)
        await self._session.execute(insert(UnitChange), changes)
