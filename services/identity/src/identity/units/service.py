"""Operations on units."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from authkit.principal import Principal
from contracts.identity import UnitChangedV1, UnitPlace
from contracts.vocabulary import UnitStatus
from identity.audit.service import AuditLog
from identity.base import outbox
from identity.units import rules
from identity.units.errors import (
    LevelNotBelow,
    UnitClosed,
    UnitCodeTaken,
    UnitNotEmpty,
    UnitNotFound,
    UnknownDivision,
)
from identity.units.history import Place, places
from identity.units.models import Unit
from identity.units.repository import UnitRepository
from identity.units.schemas import UnitIn
from identity.units.sources import divisions_by_code
from servicekit.clock import Clock
from servicekit.ids import new_id


def unit_changed(unit: Unit, states: Sequence[Place]) -> UnitChangedV1:
    """Return the event for the current state of `unit`, with its history `states`."""
    *former, present = places(states)
    ends = [place.since for place in [*former, present]][1:]
    return UnitChangedV1(
        unit_id=unit.id,
        code=unit.code,
        name=unit.name,
        short_name=unit.short_name,
        level=unit.level,
        kind=unit.kind,
        stages=unit.stages,
        region_code=unit.region_code,
        parent_id=unit.parent_id,
        path=unit.path,
        status=unit.status,
        version=unit.version,
        placed_at=present.since,
        former_places=tuple(
            UnitPlace(
                parent_id=place.parent_id,
                path=place.path,
                status=place.status,
                valid_from=place.since,
                valid_to=end,
            )
            for place, end in zip(former, ends, strict=True)
        ),
    )


class Units:
    """Units for one request."""

    def __init__(self, session: AsyncSession, clock: Clock, audit: AuditLog) -> None:
        self._session = session
        self._clock = clock
        self._audit = audit
        self._units = UnitRepository(session)

    async def get(self, unit_id: UUID, *, share: bool = False) -> Unit:
        """Return a unit by id; `share` prevents its closing until the transaction ends.

        Raises `UnitNotFound`.
        """
        unit = await self._units.get(unit_id, share=share)
        if unit is None:
            raise UnitNotFound
        return unit

    async def by_code(self, code: str) -> Unit:
        """Return a unit by code. Raises `UnitNotFound`."""
        unit = await self._units.by_code(code)
        if unit is None:
            raise UnitNotFound
        return unit

    async def within_reach(
        self, principal: Principal, unit_id: UUID, *, lock: bool = False, share: bool = False
    ) -> Unit:
        """Return a unit of the caller's subtree. Raises `UnitNotFound`, `OutOfReach`."""
        unit = await self._units.get(unit_id, lock=lock, share=share)
        if unit is None:
            raise UnitNotFound
        if not principal.reaches(unit.path):
            raise OutOfReach
        return unit

    async def children(
        self, parent_id: UUID, *, query: str | None, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[Unit]:
        """Return active direct children, one more than `limit`. Raises `UnitNotFound`."""
        await self.get(parent_id)
        return await self._units.children(parent_id, query=query, after=after, limit=limit)

    async def snapshot(self, after: tuple[Any, ...] | None, limit: int) -> list[UnitChangedV1]:
        """Return all units, one more than `limit`."""
        units = await self._units.all_after(after, limit)
        states = await self._units.states([unit.id for unit in units])
        return [unit_changed(unit, states[unit.id]) for unit in units]

    async def count(self) -> int:
        """Return the number of units."""
        return await self._units.count()

    async def create(self, principal: Principal, new: UnitIn) -> Unit:
        """Open a unit below one in the caller's subtree.

        Raises `OutOfReach`, `UnitClosed`, `LevelNotBelow`, `UnknownDivision`, `UnitCodeTaken`.
        """
        parent = await self.within_reach(principal, new.parent_id, share=True)
        if parent.status != UnitStatus.ACTIVE:
            raise UnitClosed
        if not rules.may_stand_below(parent.level, new.level, new.kind):
            raise LevelNotBelow
        region = new.region_code or parent.region_code
        if region is not None and region not in divisions_by_code():
            raise UnknownDivision
        unit = Unit(
            id=new_id(),
            code=new.code,
            name=new.name,
            short_name=new.short_name or new.name,
            level=new.level,
            kind=new.kind,
            stages=list(new.stages),
            region_code=region,
            parent_id=parent.id,
            path=f"{parent.path}.{new.code}",
            status=UnitStatus.ACTIVE,
            version=1,
            opened_at=self._clock.now(),
        )
        try:
            async with self._session.begin_nested():
                self._units.add(unit, UUID(principal.sub), unit.opened_at)
        except IntegrityError as error:
            raise UnitCodeTaken from error
        await self._announce(unit)
        self._audit.record(
            actor=principal.sub,
            action="unit.opened",
            target=unit.id,
            code=unit.code,
        )
        return unit

    async def close(self, principal: Principal, unit_id: UUID) -> Unit:
        """Close a unit without active units below. Raises `UnitNotEmpty`, `UnitClosed`, `OutOfReach`."""
        unit = await self.within_reach(principal, unit_id, lock=True)
        if await self._units.has_active_below(unit):
            raise UnitNotEmpty
        now = self._clock.now()
        unit.close(now)
        self._units.add(unit, UUID(principal.sub), now)
        await self._announce(unit)
        return unit

    async def _announce(self, unit: Unit) -> None:
        states = await self._units.states([unit.id])
        event = unit_changed(unit, states[unit.id])
        outbox.add(self._session, event, subject=unit.id, sequence=unit.version)

    async def load(self, seeds: Sequence[rules.UnitSeed], now: datetime) -> dict[str, tuple[UUID, str]]:
        """Insert all units of a world. Return id and path by code. Sends no event; the loader sends one after
        it has also inserted people.
        """
        paths = rules.unit_paths(seeds)
        ids = {seed.code: new_id() for seed in seeds}
        rows: list[dict[str, Any]] = [
            {
                "id": ids[seed.code],
                "code": seed.code,
                "name": seed.name,
                "short_name": seed.short_name,
                "level": seed.level,
                "kind": seed.kind,
                "stages": list(seed.stages),
                "region_code": seed.region_code,
                "parent_id": None if seed.parent_code is None else ids[seed.parent_code],
                "path": paths[seed.code],
                "status": UnitStatus.ACTIVE,
                "version": 1,
                "opened_at": now,
            }
            for seed in seeds
        ]
        kept = ("code", "name", "level", "kind", "stages", "region_code", "path", "status")
        changes = [
            {
                "unit_id": row["id"],
                "version": 1,
                "changed_at": now,
                "changed_by": None,
                "state": {name: row[name] for name in kept},
            }
            for row in rows
        ]
        await self._units.bulk_insert(rows, changes)
        return {code: (ids[code], paths[code]) for code in ids}
