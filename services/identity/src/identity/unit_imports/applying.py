"""Opening and changing the units of one batch of rows, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import UnitImportResult
from identity.reorganisation.following import Following
from identity.unit_imports.apply_repository import ApplyRepository
from identity.unit_imports.models import UnitImport
from identity.unit_imports.repository import ImportRepository, Pending
from identity.units.changes import Occasion
from identity.units.structure import UnitTree
from servicekit.clock import Clock
from servicekit.problems import Problem

CHANGED_SINCE = "校验之后该单位或其上级单位已有变更，请重新上传这一行"


@dataclass
class Applied:
    """What a batch did: the units it opened and changed, and the rows it could not apply."""

    units: list[UUID] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    amended: list[UUID] = field(default_factory=list)
    """Units whose other attributes have changed, even if they could not move."""


class Batch:
    """Applies rows of one depth, so that the parents of new units exist."""

    def __init__(self, session: AsyncSession, clock: Clock, following: Following) -> None:
        self._session = session
        self._following = following
        self._tree = UnitTree(session, clock)
        self._rows = ImportRepository(session)

    async def apply(self, of: UnitImport, rows: Sequence[Pending], at: Occasion, root_path: str) -> Applied:
        """Open and change the units of these rows."""
        done = Applied()
        await self._tree.lock()
        batch = ApplyRepository(self._session, of.id, [row.number for row in rows], at)
        if any(row.result == UnitImportResult.NEW for row in rows):
            done.units += await batch.open(root_path)
        if any(row.result == UnitImportResult.CHANGED for row in rows):
            locked = await batch.lock(root_path)
            done.amended = [row.unit_id for row in rows if row.differs and row.unit_id in locked]
            if done.amended:
                await self._tree.end_states(done.amended, at)
                await batch.change(done.amended)
            for row in rows:
                if row.unit_id in locked:
                    await self._move(row, at, root_path, done)
        await batch.note(done.units)
        reached = set(done.units)
        for row in rows:
            if row.unit_id not in reached:
                done.refused.setdefault(row.number, CHANGED_SINCE)
        await self._rows.refuse(of.id, done.refused)
        if of.is_small:
            await self._tree.announce(list(dict.fromkeys([*done.units, *done.amended])))
        return done

    async def _move(self, row: Pending, at: Occasion, root_path: str, done: Applied) -> None:
        """Move the unit of a row, if it moves. What the row says beside that has been applied already."""
        if row.moves:
            try:
                async with self._session.begin_nested():
                    parent = await self._tree.by_code(row.parent_code or "")
                    unit, moved = await self._tree.transfer(row.unit_id, parent.id, at, within=root_path)
                    await self._following.moved(unit, moved, "unit moved")
            except Problem as problem:
                done.refused[row.number] = f"{problem.title}：{problem.detail}"
                return
        done.units.append(row.unit_id)
