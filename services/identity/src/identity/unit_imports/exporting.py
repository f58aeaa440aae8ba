"""Writing a subtree into a file: a page of units at a time, then into the store."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import ExportStatus, Permission, Stage
from filekit.spool import temporary_file
from identity.delegations.dependencies import standings_for
from identity.unit_imports import writing
from identity.unit_imports.kinds import CHUNK, Which
from identity.unit_imports.models import UnitExport
from identity.unit_imports.repository import ImportRepository, save_file
from identity.units.models import Unit
from jobs.job import Job
from servicekit.clock import Clock
from servicekit.ltree import is_under


class Exporting:
    """The handler of exports."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def export(self, job: Job[Which]) -> None:
        """Write the units of a subtree; a new attempt begins anew."""
        async with job.transaction() as session:
            rows = ImportRepository(session)
            of = await rows.export(job.payload.id, lock=True)
            if of is None or of.status != ExportStatus.RUNNING:
                return
            root = await session.get_one(Unit, of.root_id)
            if not await self._may(session, of, root):
                of.end(ExportStatus.FAILED, self._clock.now())
                return
            expected = await rows.count_to_export(root.path, of)
        with temporary_file() as file:
            table = await asyncio.to_thread(writing.writer_of, file, of.format)
            after: str | None = None
            count = 0
            while True:
                async with job.transaction() as session:
                    units = await ImportRepository(session).units_after(root.path, of, after, CHUNK)
                if not units:
                    break
                await asyncio.to_thread(table.write, [_exported(*unit) for unit in units])
                after, count = units[-1][0].path, count + len(units)
                await job.progress(count, max(expected, count), f"已导出 {count} 个单位")
            await asyncio.to_thread(table.close)
            async with job.transaction() as session:
                locked = await ImportRepository(session).export(job.payload.id, lock=True)
                if locked is None or locked.status != ExportStatus.RUNNING:
                    return
                size = await save_file(session, locked.file_id, file)
                locked.end(ExportStatus.DONE, self._clock.now(), size, count)

    async def _may(self, session: AsyncSession, of: UnitExport, root: Unit) -> bool:
        """Return whether the person still manages units here."""
        if of.acting_unit_id is None:
            return True
        standing = await standings_for(session, self._clock).of(of.created_by, of.acting_unit_id)
        return (
            standing is not None
            and standing.may(Permission.UNITS_MANAGE)
            and is_under(root.path, standing.path)
        )


def _exported(unit: Unit, parent_code: str | None) -> list[str | None]:
    stages = [stage.label for stage in Stage if stage.value in unit.stages]
    return [
        unit.code,
        parent_code,
        unit.name,
        unit.short_name,
        unit.level.label,
        unit.kind.label,
        "、".join(stages),
        unit.region_code,
        unit.duty_phone,
        unit.address,
        unit.status.label,
    ]
