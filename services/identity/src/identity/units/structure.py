"""Changes of the authority tree: opening, moving, merging, splitting, closing.

Each takes the lock of the tree first, so that two of them never see a half-changed tree, and then the units,
the superior ones first. Nobody else waits for the lock of the tree.

A date before which something that the change depends on was different is refused. So the tree is a tree on
every day, and no unit is active below a closed one on any day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from authkit.principal import Principal
from contracts.vocabulary import UnitChangeKind
from identity.units import rules
from identity.units.announcing import BATCH, Announcements
from identity.units.changes import Occasion, What
from identity.units.errors import (
    AlreadyBelow,
    EffectiveTooEarly,
    LevelNotBelow,
    MergeLevelDiffers,
    MoveIntoOwnSubtree,
    NotAChild,
    OwnUnit,
    UnitCodeTaken,
    UnitNotEmpty,
    UnitNotFound,
    UnknownDivision,
)
from identity.units.models import Unit
from identity.units.repository import UnitRepository
from identity.units.schemas import ChangeIn, MergeIn, MoveIn, SplitIn
from identity.units.sources import divisions_by_code
from identity.units.tree_repository import TreeRepository
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.ids import new_id
from servicekit.ltree import is_under


@dataclass(frozen=True)
class Relocation:
    """Places that no unit has any more, and the number of units that had them."""

    left: Sequence[str]
    units: int


class UnitTree:
    """Changes of the tree for one request."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._units = UnitRepository(session)
        self._tree = TreeRepository(session)
        self._events = Announcements(session)

    def occasion(self, principal: Principal, asked: ChangeIn) -> Occasion:
        """Return the occasion that a request names. Raises `EffectiveInFuture`."""
        return Occasion.of(self._clock.now(), principal.sub, asked)

    async def move(
        self, principal: Principal, unit_id: UUID, asked: MoveIn, seen: SeenVersions
    ) -> tuple[Unit, Relocation]:
        """Move a unit, with all below it, to another parent.

        Raises `UnitNotFound`, `OutOfReach`, `OwnUnit`, `VersionChanged`, `UnitClosed`, `AlreadyBelow`,
        `MoveIntoOwnSubtree`, `LevelNotBelow`, `EffectiveInFuture`, `EffectiveTooEarly`.
        """
        at = self.occasion(principal, asked)
        await self._tree.lock()
        if principal.acting is None:
            raise OutOfReach
        return await self.transfer(unit_id, asked.parent_id, at, within=principal.acting.path, seen=seen)

    async def transfer(
        self, unit_id: UUID, parent_id: UUID, at: Occasion, *, within: str, seen: SeenVersions | None = None
    ) -> tuple[Unit, Relocation]:
        """Move a unit below the one at `within` to another parent at or below it, while the caller has locked
        the tree. Raises the errors of `move`.
        """
        unit, parent = await self._fresh(unit_id), await self._fresh(parent_id)
        if not is_under(unit.path, within) or not is_under(parent.path, within):
            raise OutOfReach
        if unit.path == within:
            raise OwnUnit
        if is_under(parent.path, unit.path):
            raise MoveIntoOwnSubtree
        # The superior ones first: whatever sorts before the unit is not below it.
        if parent.path < unit.path:
            parent = await self._locked(parent.id, share=True)
        await self._tree.lock_subtree(unit.path)
        unit = await self._locked(unit.id)
        if parent.path > unit.path:
            parent = await self._locked(parent.id, share=True)
        if seen is not None:
            seen.require(unit.version)
        unit.require_active()
        parent.require_active()
        if unit.parent_id == parent.id:
            raise AlreadyBelow
        if not rules.may_stand_below(parent.level, unit.level, unit.kind):
            raise LevelNotBelow
        await self._require_date(
            at, await self._tree.last_change([unit.id]), await self._tree.last_placing(parent.path)
        )
        former = unit.path
        count = await self._relocate([unit], parent, at)
        moved = await self._locked(unit.id)
        await self._events.unit(moved)
        if count > 1:
            await self._events.subtrees([moved.path], count)
        return moved, Relocation([former], count)

    async def absorb(
        self, principal: Principal, unit_id: UUID, asked: MergeIn, seen: SeenVersions
    ) -> tuple[Unit, Unit, Relocation]:
        """Move the children of a unit to the one that it is merged into. Returns both; the caller moves the
        people and closes the unit with `close`.

        Raises `UnitNotFound`, `OutOfReach`, `OwnUnit`, `VersionChanged`, `UnitClosed`, `MergeLevelDiffers`,
        `MoveIntoOwnSubtree`, `EffectiveInFuture`, `EffectiveTooEarly`.
        """
        at = self.occasion(principal, asked)
        await self._tree.lock()
        unit = await self._below_own(principal, unit_id)
        into = await self._reached(principal, asked.into_id)
        if is_under(into.path, unit.path):
            raise MoveIntoOwnSubtree
        if into.level != unit.level:
            raise MergeLevelDiffers
        if into.path < unit.path:
            into = await self._locked(into.id)
        await self._tree.lock_subtree(unit.path)
        unit = await self._locked(unit.id)
        if into.path > unit.path:
            into = await self._locked(into.id)
        seen.require(unit.version)
        unit.require_active()
        into.require_active()
        children = await self._tree.active_children(unit.id)
        # The unit itself may stand below the other one; a child of its level could not go there.
        if not all(rules.may_stand_below(into.level, child.level, child.kind) for child in children):
            raise LevelNotBelow
        await self._require_date(
            at,
            await self._tree.last_change([unit.id, into.id, *(child.id for child in children)]),
            await self._tree.last_placing(into.path),
            await self._tree.last_departure(unit.id),
        )
        former = [unit.path]
        moved = await self._relocate(children, into, at)
        await self._announce_children(children, into, moved)
        into.note()
        await self._units.keep(into, at, What(UnitChangeKind.ABSORBED, unit.id))
        await self._events.unit(into)
        return unit, into, Relocation(former, moved + 1)

    async def split(
        self, principal: Principal, unit_id: UUID, asked: SplitIn, seen: SeenVersions
    ) -> tuple[Unit, Relocation]:
        """Open a unit beside another one, of its level and kind, and move some of its children there.

        Raises `UnitNotFound`, `OutOfReach`, `OwnUnit`, `VersionChanged`, `UnitClosed`, `NotAChild`,
        `UnknownDivision`, `UnitCodeTaken`, `EffectiveInFuture`, `EffectiveTooEarly`.
        """
        at = self.occasion(principal, asked)
        await self._tree.lock()
        unit = await self._below_own(principal, unit_id)
        if unit.parent_id is None:
            raise OwnUnit
        parent = await self._locked(unit.parent_id, share=True)
        unit = await self._locked(unit.id)
        seen.require(unit.version)
        unit.require_active()
        children = await self._tree.active_children(unit.id, list(dict.fromkeys(asked.child_ids)))
        if len(children) != len(set(asked.child_ids)):
            raise NotAChild
        for child in children:
            await self._tree.lock_subtree(child.path)
        await self._require_date(
            at,
            await self._tree.last_change([unit.id, *(child.id for child in children)]),
            await self._tree.last_placing(parent.path),
        )
        region = asked.region_code or unit.region_code
        if region is not None and region not in divisions_by_code():
            raise UnknownDivision
        new = Unit(
            id=new_id(),
            code=asked.code,
            name=asked.name,
            short_name=asked.short_name or asked.name[:50],
            level=unit.level,
            kind=unit.kind,
            stages=list(asked.stages or unit.stages),
            region_code=region,
            parent_id=parent.id,
            path=f"{parent.path}.{asked.code}",
            status=unit.status,
            version=1,
            opened_at=at.now,
        )
        await self.insert(new, at, What(UnitChangeKind.OPENED, unit.id))
        former = [child.path for child in children]
        moved = await self._relocate(children, new, at)
        await self._announce_children(children, new, moved)
        unit.note()
        await self._units.keep(unit, at, What(UnitChangeKind.SPLIT, new.id))
        await self._events.unit(unit)
        return new, Relocation(former, moved)

    async def close(self, unit: Unit, at: Occasion, merged_into: UUID | None = None) -> None:
        """Close a unit without active units below, which the caller has found with `to_close`.

        Raises `UnitNotEmpty`, `UnitClosed`, `EffectiveTooEarly`.
        """
        if await self._units.has_active_below(unit):
            raise UnitNotEmpty
        await self._require_date(
            at, await self._tree.last_change([unit.id]), await self._tree.last_departure(unit.id)
        )
        unit.close(at.now, merged_into)
        kind = UnitChangeKind.CLOSED if merged_into is None else UnitChangeKind.MERGED
        await self._units.keep(unit, at, What(kind, merged_into))
        await self._events.unit(unit)

    async def to_close(self, principal: Principal, unit_id: UUID) -> Unit:
        """Return a unit below the caller's own, locked. Raises `UnitNotFound`, `OutOfReach`, `OwnUnit`."""
        await self._tree.lock()
        return await self._locked((await self._below_own(principal, unit_id)).id)

    async def insert(self, unit: Unit, at: Occasion, what: What) -> None:
        """Add a new unit and announce it. Raises `UnitCodeTaken`."""
        try:
            async with self._session.begin_nested():
                self._units.add(unit, at, what)
        except IntegrityError as error:
            raise UnitCodeTaken from error
        await self._events.unit(unit)

    async def lock(self) -> None:
        """Lock the structure of the tree until the transaction ends."""
        await self._tree.lock()

    async def by_code(self, code: str) -> Unit:
        """Return a unit by its code. Raises `UnitNotFound`."""
        unit = await self._units.by_code(code)
        if unit is None:
            raise UnitNotFound
        return unit

    async def end_states(self, unit_ids: Sequence[UUID], at: Occasion) -> None:
        """End the states in force of units that the caller changes with statements of its own."""
        await self._units.end_states(unit_ids, at)

    async def announce(self, unit_ids: Sequence[UUID]) -> None:
        """Announce units, in batches."""
        for first in range(0, len(unit_ids), BATCH):
            units = await self._units.all_of(unit_ids[first : first + BATCH])
            if units:
                await self._events.units(units, subject=units[0].path)

    async def require_place(self, at: Occasion, parent: Unit) -> None:
        """Raise `EffectiveTooEarly` if the parent came to its place after the date."""
        await self._require_date(at, await self._tree.last_placing(parent.path))

    async def require_unchanged(self, at: Occasion, unit: Unit) -> None:
        """Raise `EffectiveTooEarly` if the unit itself changed after the date."""
        await self._require_date(at, await self._tree.last_change([unit.id]))

    async def _require_date(self, at: Occasion, *dates: date | None) -> None:
        latest = max((day for day in dates if day is not None), default=None)
        if latest is not None and at.effective_on < latest:
            raise EffectiveTooEarly(latest)

    async def _relocate(self, units: Sequence[Unit], parent: Unit, at: Occasion) -> int:
        """Move siblings, with all below them, below `parent`. Return the number of units that moved."""
        if not units:
            return 0
        ids = [unit.id for unit in units]
        former = units[0].parent_id
        assert former is not None
        await self._units.end_states(ids, at)
        return await self._tree.relocate(ids, units[0].path.count("."), parent, at, former)

    async def _announce_children(self, children: Sequence[Unit], parent: Unit, count: int) -> None:
        """Announce children that have moved below `parent`, and all below them: `count` units."""
        if children:
            await self._events.subtrees([f"{parent.path}.{child.code}" for child in children], count)

    async def _fresh(self, unit_id: UUID) -> Unit:
        unit = await self._tree.fresh(unit_id)
        if unit is None:
            raise UnitNotFound
        return unit

    async def _reached(self, principal: Principal, unit_id: UUID) -> Unit:
        unit = await self._units.get(unit_id)
        if unit is None:
            raise UnitNotFound
        if not principal.reaches(unit.path):
            raise OutOfReach
        return unit

    async def _below_own(self, principal: Principal, unit_id: UUID) -> Unit:
        """Return a unit below the caller's own; the caller reaches its parent, too."""
        unit = await self._reached(principal, unit_id)
        if principal.acting is not None and principal.acting.unit == unit.id:
            raise OwnUnit
        return unit

    async def _locked(self, unit_id: UUID, *, share: bool = False) -> Unit:
        unit = await self._tree.locked(unit_id, share=share)
        if unit is None:
            raise UnitNotFound
        return unit
