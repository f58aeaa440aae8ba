"""Operations on units."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from authkit.principal import Principal
from contracts.identity import UnitChangedV1
from contracts.vocabulary import UnitChangeKind, UnitStatus
from identity.audit.service import AuditLog
from identity.units import rules
from identity.units.announcing import Announcements, unit_changed
from identity.units.changes import Occasion, What, day_of
from identity.units.errors import LevelNotBelow, UnitNotFound, UnknownDivision
from identity.units.models import STATE, Unit
from identity.units.repository import UnitRepository
from identity.units.schemas import ChangeIn, DetailsIn, RenameIn, UnitIn
from identity.units.sources import divisions_by_code
from identity.units.structure import UnitTree
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest


class Units:
    """Units for one request."""

    def __init__(self, session: AsyncSession, clock: Clock, audit: AuditLog) -> None:
        self._session = session
        self._clock = clock
        self._audit = audit
        self._units = UnitRepository(session)
        self._tree = UnitTree(session, clock)
        self._events = Announcements(session)

    async def get(self, unit_id: UUID, *, lock: bool = False, share: bool = False) -> Unit:
        """Return a unit by id; `share` prevents its closing until the transaction ends, `lock` also others'
        `share`.

        Raises `UnitNotFound`.
        """
        unit = await self._units.get(unit_id, lock=lock, share=share)
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

    async def children(self, parent_id: UUID | None, query: str | None, paging: PageRequest) -> Listed[Unit]:
        """Return active direct children by code; without a parent, the units at the top of the tree.

        Raises `UnitNotFound`.
        """
        if parent_id is not None:
            await self.get(parent_id)
        return await self._units.children(parent_id, query, paging)

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

        Raises `OutOfReach`, `UnitClosed`, `LevelNotBelow`, `UnknownDivision`, `UnitCodeTaken`,
        `EffectiveInFuture`, `EffectiveTooEarly`.
        """
        at = Occasion.of(self._clock.now(), principal.sub, new)
        parent = await self.within_reach(principal, new.parent_id, share=True)
        parent.require_active()
        if not rules.may_stand_below(parent.level, new.level, new.kind):
            raise LevelNotBelow
        region = new.region_code or parent.region_code
        _require_division(region)
        await self._tree.require_place(at, parent)
        unit = Unit(
            id=new_id(),
            code=new.code,
            name=new.name,
            short_name=new.short_name or new.name[:50],
            level=new.level,
            kind=new.kind,
            stages=list(new.stages),
            region_code=region,
            parent_id=parent.id,
            path=f"{parent.path}.{new.code}",
            status=UnitStatus.ACTIVE,
            version=1,
            opened_at=at.now,
            duty_phone=new.duty_phone,
            address=new.address,
        )
        await self._tree.insert(unit, at, What(UnitChangeKind.OPENED))
        self._audit.record(actor=principal.sub, action="unit.opened", target=unit.id, code=unit.code)
        return unit

    async def rename(self, principal: Principal, unit_id: UUID, asked: RenameIn, seen: SeenVersions) -> Unit:
        """Rename a unit of the caller's subtree.

        Raises `UnitNotFound`, `OutOfReach`, `VersionChanged`, `UnitClosed`, `EffectiveInFuture`,
        `EffectiveTooEarly`.
        """
        values = {"name": asked.name}
        if asked.short_name is not None:
            values["short_name"] = asked.short_name
        return await self._change(principal, unit_id, asked, seen, UnitChangeKind.RENAMED, values)

    async def amend(self, principal: Principal, unit_id: UUID, asked: DetailsIn, seen: SeenVersions) -> Unit:
        """Change other attributes of a unit of the caller's subtree.

        Raises the errors of `rename`, and `UnknownDivision`.
        """
        given = asked.model_fields_set
        values: dict[str, Any] = {
            name: getattr(asked, name) for name in ("duty_phone", "address") if name in given
        }
        if asked.stages is not None:
            values["stages"] = [str(stage) for stage in asked.stages]
        if asked.region_code is not None:
            _require_division(asked.region_code)
            values["region_code"] = asked.region_code
        return await self._change(principal, unit_id, asked, seen, UnitChangeKind.AMENDED, values)

    async def _change(
        self,
        principal: Principal,
        unit_id: UUID,
        asked: ChangeIn,
        seen: SeenVersions,
        kind: UnitChangeKind,
        values: dict[str, Any],
    ) -> Unit:
        at = Occasion.of(self._clock.now(), principal.sub, asked)
        unit = await self.within_reach(principal, unit_id, lock=True)
        seen.require(unit.version)
        await self._tree.require_unchanged(at, unit)
        if not unit.change(**values):
            return unit
        await self._units.keep(unit, at, What(kind))
        await self._events.unit(unit)
        self._audit.record(
            actor=principal.sub,
            action=f"unit.{kind}",
            target=unit.id,
            effective_on=at.effective_on.isoformat(),
            reason=at.reason,
        )
        return unit

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
                "duty_phone": None,
                "address": None,
            }
            for seed in seeds
        ]
        changes = [
            {
                "unit_id": row["id"],
                "version": 1,
                "changed_at": now,
                "changed_by": None,
                "state": {name: row[name] for name in STATE},
                "code": row["code"],
                "parent_id": row["parent_id"],
                "kind": UnitChangeKind.OPENED,
                "effective_on": day_of(now),
            }
            for row in rows
        ]
        await self._units.bulk_insert(rows, changes)
        return {code: (ids[code], paths[code]) for code in ids}


def _require_division(code: str | None) -> None:
    if code is not None and code not in divisions_by_code():
        raise UnknownDivision
