"""Queries over exports, their files and the record of uses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import BinaryIO, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.exports.models import Export, ExportPart, ExportUse
from contracts.vocabulary import ExportStatus
from servicekit.db import Database
from servicekit.lists import Listed, Order, by_id, listed, listed_one
from servicekit.ltree import under
from servicekit.paging import PageRequest, instant

_PART: Final = 512 * 1024
PARTS_AT_ONCE: Final = 32
"""Pieces in one transaction."""


class ExportRepository:
    """Read and write exports."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: Export | ExportUse) -> None:
        """Write an export, or what somebody did with one."""
        self._session.add(row)
        await self._session.flush()

    async def get(self, export_id: UUID, *, lock: bool = False) -> Export | None:
        """Return an export as it is now."""
        return await self._session.get(
            Export, export_id, with_for_update=lock or None, populate_existing=True
        )

    async def of_person(
        self, sub: str, unit_id: UUID, status: ExportStatus | None, paging: PageRequest
    ) -> Listed[Export]:
        """Return the exports of a person who acts for a unit, the newest first; with `status` only those in
        it.
        """
        statement = select(Export).where(Export.created_by == sub, Export.unit_id == unit_id)
        if status is not None:
            statement = statement.where(Export.status == status)
        return await listed_one(self._session, statement, by_id(Export.id, latest_first=True), paging)

    async def uses(self, path: str, paging: PageRequest) -> Listed[tuple[ExportUse, str | None]]:
        """Return what people at or below a path did with files, the latest first, with the unit's name."""
        statement = (
            select(ExportUse, Unit.name)
            .outerjoin(Unit, Unit.id == ExportUse.unit_id)
            .where(under(ExportUse.unit_path, path))
        )
        order = Order((ExportUse.at, ExportUse.id), (instant, UUID), descending=True)
        found = await listed(self._session, statement, order, paging)
        return found.each(lambda row: (row[0], row[1]))

    async def count_running(self, sub: str) -> int:
        """Return how many exports of a person have not ended."""
        statement = (
            select(func.count())
            .select_from(Export)
            .where(Export.created_by == sub, Export.status == ExportStatus.RUNNING)
        )
        return (await self._session.scalars(statement)).one()

    async def running(self, limit: int) -> Sequence[Export]:
        """Return exports that have not ended, locked; those that others have locked are left out."""
        statement = (
            select(Export)
            .where(Export.status == ExportStatus.RUNNING)
            .order_by(Export.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(statement)).all()

    async def save_parts(self, export_id: UUID, first: int, file: BinaryIO) -> tuple[int, int]:
        """Write the next pieces of a file, at most `PARTS_AT_ONCE`; return their number and their bytes."""
        count = size = 0
        while count < PARTS_AT_ONCE and (data := await asyncio.to_thread(file.read, _PART)):
            values = {"export_id": export_id, "part": first + count, "data": data}
            await self._session.execute(insert(ExportPart).values(values))
            count, size = count + 1, size + len(data)
        return count, size

    async def delete_parts(self, export_id: UUID) -> None:
        """Delete what an attempt has written."""
        await self._session.execute(delete(ExportPart).where(ExportPart.export_id == export_id))

    async def part(self, export_id: UUID, part: int) -> bytes | None:
        """Return a piece of the file."""
        statement = select(ExportPart.data).where(ExportPart.export_id == export_id, ExportPart.part == part)
        return (await self._session.scalars(statement)).one_or_none()

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Delete some exports that were asked for before `before`, with their files; return their number."""
        old = select(Export.id).where(Export.created_at < before).limit(limit)
        result = await self._session.execute(delete(Export).where(Export.id.in_(old)).returning(Export.id))
        return len(result.all())


async def parts(database: Database, export_id: UUID) -> AsyncIterator[bytes]:
    """Yield a file piece by piece, each from a transaction of its own: a slow reader holds no connection."""
    number = 0
    while True:
        async with database.transaction() as session:
            data = await ExportRepository(session).part(export_id, number)
        if data is None:
            return
        yield data
        number += 1
