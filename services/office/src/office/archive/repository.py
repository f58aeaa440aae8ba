"""Queries of the archive."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import NoticeStatus
from office.answers.rules import FILE_SUBJECT
from office.counters.models import ArchivedCoverage, ArchivedYear, TreeCount
from office.directory.models import Unit
from office.notices.models import Notice
from servicekit.ids import first_id
from servicekit.ltree import between
from servicekit.partitions import ByYear, drop_part

_ATTACHED = {
    "answer_subjects": """
        SELECT {columns} FROM answer_subjects t WHERE t.notice_id >= {low} AND t.notice_id < {end}
    """,
    "files": f"""
        SELECT {{columns}} FROM answer_subjects s JOIN files t ON t.subject_id = s.id
        WHERE t.subject_kind = '{FILE_SUBJECT}' AND s.notice_id >= {{low}} AND s.notice_id < {{end}}
    """,  # noqa: S608 - our names
}
ATTACHED = tuple(_ATTACHED)
"""The tables of what is attached to answers, in the order in which they are restored."""
_FILES = _ATTACHED["files"].format(columns="{}", low=":low", end=":end")
_DIGESTS_SQL = f"""
    SELECT digest FROM (
        {_FILES.format("t.digest AS digest")}
        UNION
        {_FILES.format("t.preview_digest")} AND t.preview_digest IS NOT NULL
    ) d WHERE digest > :after ORDER BY digest LIMIT :limit
"""  # noqa: S608 - our names
_DIGESTS = text(_DIGESTS_SQL).columns(digest=LargeBinary())
_DELETE_FILES_SQL = f"""
    DELETE FROM files WHERE id IN ({_FILES.format("t.id")} LIMIT :limit) RETURNING id
"""  # noqa: S608 - our names
_DELETE_FILES = text(_DELETE_FILES_SQL)
_DELETE_SUBJECTS = text("DELETE FROM answer_subjects WHERE notice_id >= :low AND notice_id < :end")


class ArchiveRepository:
    """Read and write what the archive needs, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def year(self, year: int) -> ArchivedYear | None:
        """Return the archived year, locked."""
        return await self._session.get(ArchivedYear, year, with_for_update=True)

    async def put_year(self, year: ArchivedYear) -> None:
        """Write or replace the archived year."""
        await self._session.merge(year)
        await self._session.flush()

    async def circulating(self, start: datetime, end: datetime) -> int:
        """Return how many notices of a period are published or may still be."""
        unfinished = (
            NoticeStatus.REVIEWING,
            NoticeStatus.REVIEWED,
            NoticeStatus.ISSUED,
            NoticeStatus.PUBLISHED,
        )
        statement = select(func.count()).where(*_within(start, end), Notice.status.in_(unfinished))
        return (await self._session.scalars(statement)).one()

    async def notices(self, start: datetime, end: datetime) -> Sequence[UUID]:
        """Return the notices of a period that were published."""
        statement = select(Notice.id).where(*_within(start, end), Notice.published_at.is_not(None))
        return (await self._session.scalars(statement.order_by(Notice.id))).all()

    async def notice(self, notice_id: UUID) -> Notice:
        """Return the notice."""
        return await self._session.get_one(Notice, notice_id)

    async def superiors(self, path: str) -> Sequence[Unit]:
        """Return the units at and below `path` that have or had units below them, the lowest first."""
        statement = (
            select(Unit)
            .join(TreeCount, TreeCount.unit_id == Unit.id)
            .where(TreeCount.level == "", between(TreeCount.path, path), TreeCount.path == Unit.path)
            .order_by(func.nlevel(Unit.path).desc(), Unit.path)
        )
        return (await self._session.scalars(statement)).all()

    async def keep(self, notice_id: UUID, unit: Unit, figures: Mapping[str, int]) -> None:
        """Keep the figures of a notice in the subtree of a unit."""
        await self._session.merge(
            ArchivedCoverage(notice_id=notice_id, path=unit.path, unit_id=unit.id, **figures)
        )

    async def forget(self, start: datetime, end: datetime) -> None:
        """Delete the figures kept of a period's notices."""
        await self._session.execute(
            delete(ArchivedCoverage).where(
                ArchivedCoverage.notice_id >= first_id(start), ArchivedCoverage.notice_id < first_id(end)
            )
        )

    async def parts(self, tables: Sequence[ByYear], start: datetime) -> list[str]:
        """Return the partitions of the year that exist."""
        names = [table.part(start) for table in tables]
        found = await self._session.scalars(
            text("SELECT relname FROM pg_class WHERE relname = ANY(:names) AND relkind = 'r'"),
            {"names": names},
        )
        present = set(found)
        return [name for name in names if name in present]

    async def write_out(self, part: str, write: Callable[[bytes], Awaitable[None]]) -> int:
        """Write a partition as CSV with a header, in the order of its key; return the number of rows."""
        connection = await (await self._session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        query = f"SELECT * FROM {part} ORDER BY 1, 2"  # noqa: S608 - our names
        status: str = await driver.copy_from_query(query, output=write, format="csv", header=True)
        return int(status.split()[-1])

    async def write_attached(self, table: str, year: int, write: Callable[[bytes], Awaitable[None]]) -> int:
        """Write the rows of a table of `ATTACHED` that belong to answers of the year, as `write_out` does."""
        connection = await (await self._session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        query = f"{_ATTACHED[table].format(columns='t.*', low='$1', end='$2')} ORDER BY t.id"
        status: str = await driver.copy_from_query(
            query, *_ids_of(year), output=write, format="csv", header=True
        )
        return int(status.split()[-1])

    async def count_attached(self, table: str, year: int) -> int:
        """Return the number of these rows."""
        query = _ATTACHED[table].format(columns="count(*)", low=":low", end=":end")
        return int((await self._session.scalars(text(query), _values_of(year))).one())

    async def digests(self, year: int, after: bytes, limit: int) -> Sequence[bytes]:
        """Return the digests of the contents and previews of these files, in order, behind `after`."""
        query = _DIGESTS.bindparams(after=after, limit=limit)
        return (await self._session.scalars(query, _values_of(year))).all()

    async def read_attached(self, table: str, source: AsyncIterator[bytes]) -> None:
        """Read rows back; those that are there stay."""
        created = f"CREATE TEMP TABLE restored (LIKE {table}) ON COMMIT DROP"
        await self._session.execute(text(created))
        connection = await (await self._session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        await driver.copy_to_table("restored", source=source, format="csv", header=True)
        copied = f"INSERT INTO {table} SELECT * FROM restored ON CONFLICT DO NOTHING"  # noqa: S608 - ours
        await self._session.execute(text(copied))
        await self._session.execute(text("DROP TABLE restored"))

    async def delete_attached(self, year: int, limit: int) -> int:
        """Delete some of the files of the year's answers, and what these are attached to with the last ones;
        return the number of files.
        """
        values = _values_of(year)
        deleted = await self._session.execute(_DELETE_FILES, {**values, "limit": limit})
        count = len(deleted.all())
        if count < limit:
            await self._session.execute(_DELETE_SUBJECTS, values)
        return count

    async def count(self, part: str) -> int:
        """Return the number of rows of a partition."""
        statement = f"SELECT count(*) FROM {part}"  # noqa: S608 - our names
        return int((await self._session.scalars(text(statement))).one())

    async def drop(self, tables: Sequence[ByYear], start: datetime) -> None:
        """Drop the partitions of the year. Raises `DBAPIError` if they are in use for too long."""
        for table in tables:
            await drop_part(self._session, table, start)

    async def read_in(self, table: ByYear, start: datetime, source: AsyncIterator[bytes]) -> int:
        """Create the partition of a year again and fill it; return the number of rows."""
        name, low, high = table.part(start), table.bound(start), table.bound(table.following(start))
        created = f"CREATE TABLE {name} (LIKE {table.table} INCLUDING ALL)"
        await self._session.execute(text(created))
        connection = await (await self._session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        status: str = await driver.copy_to_table(name, source=source, format="csv", header=True)
        attached = f"ALTER TABLE {table.table} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"
        await self._session.execute(text(attached))
        return int(status.split()[-1])


def _within(start: datetime, end: datetime) -> tuple[Any, ...]:
    return (Notice.id >= first_id(start), Notice.id < first_id(end))


def _values_of(year: int) -> dict[str, UUID]:
    return dict(zip(("low", "end"), _ids_of(year), strict=True))


def _ids_of(year: int) -> tuple[UUID, UUID]:
    """Return the first ids of the year and of the next one."""
    return first_id(datetime(year, 1, 1, tzinfo=UTC)), first_id(datetime(year + 1, 1, 1, tzinfo=UTC))
