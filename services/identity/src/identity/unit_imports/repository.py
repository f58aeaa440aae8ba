"""Queries for imports, exports, their rows and files."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    any_,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import ExportStatus, UnitImportResult, UnitImportStatus
from filekit.http import row_number
from identity.accounts.models import Account
from identity.unit_imports.models import UnitExport, UnitFile, UnitImport, UnitImportRow
from identity.unit_imports.rules import MERGED, Row
from identity.units.models import Unit
from servicekit.db import Database, plan_with_values
from servicekit.ids import new_id
from servicekit.lists import AgeSort, Listed, Order, by_id, listed_one
from servicekit.ltree import between, under
from servicekit.paging import PageRequest
from servicekit.words import inline

PART = 1 << 20
"""Bytes of a piece of a file."""
MOST_MOVES = 100
"""Units that one transaction moves."""
_IN_FILE = Order((UnitImportRow.number,), (row_number,))
_FAILED = UnitImportRow.result.in_((inline(UnitImportResult.WRONG), inline(UnitImportResult.REFUSED)))
_COPIED = (
    "import_id",
    "number",
    "unit_id",
    "code",
    "parent_code",
    "name",
    "short_name",
    "level",
    "kind",
    "stages",
    "region_code",
    "duty_phone",
    "address",
    "status",
    "errors",
    "raw",
)


class Pending(NamedTuple):
    """What is needed of a row to apply it."""

    number: int
    depth: int
    unit_id: UUID
    parent_code: str | None
    result: UnitImportResult
    moves: bool
    differs: bool


class ImportRepository:
    """Imports and exports."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: UnitImport | UnitExport) -> None:
        """Insert a row."""
        self._session.add(row)

    async def get(self, import_id: UUID, *, lock: bool = False) -> UnitImport | None:
        """Return an import."""
        return await self._session.get(
            UnitImport, import_id, with_for_update=lock or None, populate_existing=True
        )

    async def export(self, export_id: UUID, *, lock: bool = False) -> UnitExport | None:
        """Return an export."""
        return await self._session.get(
            UnitExport, export_id, with_for_update=lock or None, populate_existing=True
        )

    async def running(self, limit: int = 100) -> Sequence[UnitImport | UnitExport]:
        """Return imports and exports that a job is to end, locked; those that a job holds are left out."""
        states = [UnitImportStatus.CHECKING, UnitImportStatus.APPLYING]
        imports = await self._session.scalars(
            select(UnitImport)
            .where(UnitImport.status.in_(states))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        exports = await self._session.scalars(
            select(UnitExport)
            .where(UnitExport.status == ExportStatus.RUNNING)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [*imports, *exports]

    async def running_of(self, account_id: UUID) -> int:
        """Return how many checks and exports of a person have not ended."""
        imports = await self._session.scalar(
            select(func.count()).where(
                UnitImport.created_by == account_id, UnitImport.status == UnitImportStatus.CHECKING
            )
        )
        exports = await self._session.scalar(
            select(func.count()).where(
                UnitExport.created_by == account_id, UnitExport.status == ExportStatus.RUNNING
            )
        )
        return (imports or 0) + (exports or 0)

    async def under(
        self, path: str, status: UnitImportStatus | None, sort: AgeSort, paging: PageRequest
    ) -> Listed[UnitImport]:
        """Return the imports of a subtree; with `status` only those in it."""
        statement = select(UnitImport).join(Unit, Unit.id == UnitImport.root_id).where(under(Unit.path, path))
        if status is not None:
            statement = statement.where(UnitImport.status == status)
        return await listed_one(self._session, statement, sort.of(UnitImport.id), paging)

    async def exports_of(
        self, sub: UUID, status: ExportStatus | None, paging: PageRequest
    ) -> Listed[UnitExport]:
        """Return a person's exports, latest first; with `status` only those in it."""
        statement = select(UnitExport).where(UnitExport.created_by == sub)
        if status is not None:
            statement = statement.where(UnitExport.status == status)
        return await listed_one(self._session, statement, by_id(UnitExport.id, latest_first=True), paging)

    async def listed_rows(
        self, import_id: UUID, result: UnitImportResult | None, paging: PageRequest
    ) -> Listed[UnitImportRow]:
        """Return a page of the rows in the order of the file."""
        statement = select(UnitImportRow).where(UnitImportRow.import_id == import_id)
        if result is not None:
            statement = statement.where(UnitImportRow.result == inline(result))
        return await listed_one(self._session, statement, _IN_FILE, paging)

    async def rows(self, import_id: UUID, after: int | None, limit: int) -> Sequence[UnitImportRow]:
        """Return rows in the order of the file, after a number."""
        statement = select(UnitImportRow).where(UnitImportRow.import_id == import_id)
        if after is not None:
            statement = statement.where(UnitImportRow.number > after)
        statement = statement.order_by(UnitImportRow.number).limit(limit)
        return (await self._session.scalars(statement)).all()

    async def failed(self, import_id: UUID, after: int, limit: int) -> Sequence[UnitImportRow]:
        """Return rows that are wrong or were refused, in the order of the file."""
        statement = (
            select(UnitImportRow)
            .where(UnitImportRow.import_id == import_id, _FAILED, UnitImportRow.number > after)
            .order_by(UnitImportRow.number)
            .limit(limit)
        )
        return (await self._session.scalars(statement)).all()

    async def has_failed(self, import_id: UUID) -> bool:
        """Return whether any row is wrong or was refused."""
        return bool(
            await self._session.scalar(select(exists().where(UnitImportRow.import_id == import_id, _FAILED)))
        )

    async def copy_rows(self, import_id: UUID, rows: Sequence[Row]) -> None:
        """Add rows with COPY. Call it after another statement, because the transaction must have begun."""
        connection = await (await self._session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        records = [
            (
                import_id,
                row.number,
                new_id(),
                row.values["code"],
                row.values["parent_code"],
                row.values["name"],
                row.values["short_name"],
                row.values["level"],
                row.values["kind"],
                row.stages,
                row.values["region_code"],
                row.values["duty_phone"],
                row.values["address"],
                row.values["status"],
                row.errors,
                row.raw,
            )
            for row in rows
        ]
        await driver.copy_records_to_table("unit_import_rows", records=records, columns=_COPIED)

    async def note_merged(self, import_id: UUID, numbers: Collection[int]) -> None:
        """Note the rows that have merged cells."""
        await self._session.execute(
            update(UnitImportRow)
            .where(
                UnitImportRow.import_id == import_id,
                UnitImportRow.number == any_(literal(sorted(numbers), ARRAY(Integer))),
            )
            .values(errors=func.array_append(UnitImportRow.errors, MERGED))
            .execution_options(synchronize_session=False)
        )

    async def next_to_apply(self, import_id: UUID, after: tuple[int, int], limit: int) -> Sequence[Pending]:
        """Return the next rows of one depth that open or change units and have not been applied.

        Few of them move units: each move is several statements, and the tree is locked meanwhile.
        """
        depth, number = after
        row = UnitImportRow
        statement = (
            select(row.number, row.depth, row.unit_id, row.parent_code, row.result, row.moves, row.differs)
            .where(
                UnitImportRow.import_id == import_id,
                UnitImportRow.result.in_((inline(UnitImportResult.NEW), inline(UnitImportResult.CHANGED))),
                ~UnitImportRow.applied,
                tuple_(UnitImportRow.depth, UnitImportRow.number) > tuple_(depth, number),
            )
            .order_by(UnitImportRow.depth, UnitImportRow.number)
            .limit(limit)
        )
        found: Sequence[Any] = (await self._session.execute(statement)).all()
        rows = [Pending(*each) for each in found]
        moves = accumulate(row.moves for row in rows)
        return [
            row
            for row, moved in zip(rows, moves, strict=True)
            if row.depth == rows[0].depth and moved <= MOST_MOVES
        ]

    async def refuse(self, import_id: UUID, reasons: dict[int, str]) -> None:
        """Note the rows that could not be applied, and why."""
        for number, reason in reasons.items():
            await self._session.execute(
                update(UnitImportRow)
                .where(UnitImportRow.import_id == import_id, UnitImportRow.number == number)
                .values(result=UnitImportResult.REFUSED, errors=[reason])
                .execution_options(synchronize_session=False)
            )

    async def count_to_export(self, path: str, of: UnitExport) -> int:
        """Return the number of units of an export."""
        statement = select(func.count()).select_from(Unit).where(*_exported(path, of))
        return await self._session.scalar(statement) or 0

    async def units_after(
        self, path: str, of: UnitExport, after: str | None, limit: int
    ) -> list[tuple[Unit, str | None]]:
        """Return the units of an export with the codes of their parents, in tree order."""
        await plan_with_values(self._session)
        parent = select(Unit.id, Unit.code).subquery()
        statement = (
            select(Unit, parent.c.code)
            .outerjoin(parent, parent.c.id == Unit.parent_id)
            .where(*_exported(path, of))
        )
        if after is not None:
            statement = statement.where(Unit.path > func.text2ltree(after))
        statement = statement.order_by(Unit.path).limit(limit)
        return [(unit, code) for unit, code in await self._session.execute(statement)]

    async def update_statistics(self) -> None:
        """Update the planner's statistics of the units after a large import."""
        await self._session.execute(text("ANALYZE units"))
        await self._session.execute(text("ANALYZE unit_changes"))

    async def counts(self) -> tuple[int, int]:
        """Return the numbers of units and accounts."""
        units = await self._session.scalar(select(func.count()).select_from(Unit)) or 0
        return units, await self._session.scalar(select(func.count()).select_from(Account)) or 0

    async def save(self, file_id: UUID, part: int, data: bytes) -> None:
        """Store a piece of a file."""
        await self._session.execute(insert(UnitFile).values(file_id=file_id, part=part, data=data))

    async def part(self, file_id: UUID, part: int) -> bytes | None:
        """Return a piece of a file, None behind the last one."""
        found: bytes | None = await self._session.scalar(
            select(UnitFile.data).where(UnitFile.file_id == file_id, UnitFile.part == part)
        )
        return found

    async def delete_file(self, file_id: UUID) -> None:
        """Delete a file."""
        await self._session.execute(delete(UnitFile).where(UnitFile.file_id == file_id))

    async def older_than(self, before: datetime, limit: int) -> Sequence[UnitImport | UnitExport]:
        """Return old imports and exports."""
        imports = await self._session.scalars(
            select(UnitImport).where(UnitImport.created_at < before).limit(limit)
        )
        exports = await self._session.scalars(
            select(UnitExport).where(UnitExport.created_at < before).limit(limit)
        )
        return [*imports, *exports]

    async def remove(self, row: UnitImport | UnitExport) -> None:
        """Delete an import with its rows, or an export, with its files."""
        await self.delete_file(row.file_id)
        if isinstance(row, UnitImport) and row.failed_file_id is not None:
            await self.delete_file(row.failed_file_id)
        if isinstance(row, UnitImport):
            await self._session.execute(delete(UnitImportRow).where(UnitImportRow.import_id == row.id))
        await self._session.delete(row)


def _exported(path: str, of: UnitExport) -> list[ColumnElement[bool]]:
    conditions = [under(Unit.path, path), between(Unit.path, path)]
    if of.levels:
        conditions.append(Unit.level == any_(literal(of.levels, ARRAY(Text))))
    if of.kinds:
        conditions.append(Unit.kind == any_(literal(of.kinds, ARRAY(Text))))
    if of.unit_status is not None:
        conditions.append(Unit.status == inline(of.unit_status))
    return conditions


async def parts(database: Database, file_id: UUID) -> AsyncIterator[bytes]:
    """Yield the pieces of a file, each read in a transaction of its own."""
    part = 0
    while True:
        async with database.transaction() as session:
            data = await ImportRepository(session).part(file_id, part)
        if data is None:
            return
        yield data
        part += 1


async def save_file(session: AsyncSession, file_id: UUID, file: BinaryIO) -> int:
    """Store a file in pieces. Return its size."""
    file.seek(0)
    size = part = 0
    while data := await asyncio.to_thread(file.read, PART):
        await ImportRepository(session).save(file_id, part, data)
        size += len(data)
        part += 1
    return size
