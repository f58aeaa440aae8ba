"""Tables partitioned by day, month or year. An expired partition is dropped: deleting its rows would hold a
transaction open, write each row to the WAL and leave as many dead rows and index entries.

The partition key is a time or an id that begins with a time (UUIDv7). With an id, the primary key stays a
single column, and a lookup by id reads one partition. Partitions are created in advance. A row of a later
period is stored in the default partition `rest` and moves when its partition is created, so no insert fails
for lack of a partition.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Database
from servicekit.ids import first_id

log = structlog.get_logger("partitions")

LEFT = Counter(
    "zhuxue_partitions_left_total",
    "Partitions that could not be created, dropped or emptied in time",
    ["table"],
)

_LOCK = 0x5A58_5041_5254
# Waiting for a lock on a busy table blocks all later statements; the next run tries again.
_LOCK_TIMEOUT = "2s"


@dataclass(frozen=True)
class Partitioned(ABC):
    """A partitioned table; a partition is dropped `keep` after its end, or never if `keep` is None.

    `ids`: the column contains UUIDv7 instead of times. `append_only`: a trigger rejects changes.
    """

    table: str
    column: str
    keep: timedelta | None
    ids: bool = False
    append_only: bool = False

    suffix: ClassVar[str]
    ahead: ClassVar[int]
    """The number of partitions to create after the current one."""

    @staticmethod
    @abstractmethod
    def start(instant: datetime) -> datetime:
        """Return the start of the period of a time, in UTC."""

    @staticmethod
    @abstractmethod
    def following(start: datetime) -> datetime:
        """Return the end of the period that begins at `start`."""

    def part(self, start: datetime) -> str:
        """Return the name of a period's partition; migrations detect partitions by `_part_`."""
        return f"{self.table}_part_{start:{self.suffix}}"

    @property
    def rest(self) -> str:
        """Return the name of the default partition."""
        return f"{self.table}_part_rest"

    def bound(self, start: datetime) -> str:
        """Return the SQL literal of the start of a period."""
        return f"'{first_id(start) if self.ids else start.isoformat()}'"

    def expired(self, part: str, now: datetime) -> bool:
        """Return whether the partition with this name must be dropped."""
        suffix = part.removeprefix(f"{self.table}_part_")
        if self.keep is None or not suffix.isdigit():
            return False
        start = datetime.strptime(suffix, self.suffix).replace(tzinfo=UTC)
        return self.following(start) + self.keep <= now


class ByDay(Partitioned):
    """A table partitioned by day."""

    suffix = "%Y%m%d"
    ahead = 2

    @staticmethod
    def start(instant: datetime) -> datetime:
        """Return midnight of the day."""
        return datetime.combine(instant.astimezone(UTC).date(), time(), UTC)

    @staticmethod
    def following(start: datetime) -> datetime:
        """Return the next midnight."""
        return start + timedelta(days=1)


class ByMonth(Partitioned):
    """A table partitioned by month."""

    suffix = "%Y%m"
    ahead = 1

    @staticmethod
    def start(instant: datetime) -> datetime:
        """Return midnight of the first day of the month."""
        return ByDay.start(instant).replace(day=1)

    @staticmethod
    def following(start: datetime) -> datetime:
        """Return midnight of the first day of the next month."""
        return (start + timedelta(days=31)).replace(day=1)


class ByYear(Partitioned):
    """A table partitioned by year."""

    suffix = "%Y"
    ahead = 1

    @staticmethod
    def start(instant: datetime) -> datetime:
        """Return the first midnight of the year."""
        return ByDay.start(instant).replace(month=1, day=1)

    @staticmethod
    def following(start: datetime) -> datetime:
        """Return the first midnight of the next year."""
        return start.replace(year=start.year + 1)


async def maintain(database: Database, tables: Sequence[Partitioned], now: datetime) -> list[str]:
    """Create the partitions of the current and the next periods, and drop expired partitions.

    Returns the names of created and dropped partitions. Each change is a separate transaction; a change
    that does not get its lock in time is counted and left for the next run. Waits for a concurrent
    maintenance run.
    """
    async with database.engine.begin() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        present = await connection.run_sync(_present, tables)
        return [name for table in tables for name in await _maintain(database, table, present, now)]


async def drop_part(session: AsyncSession, table: Partitioned, start: datetime) -> None:
    """Drop the partition of the period that begins at `start`, in the caller's transaction.

    Locks the table until the transaction ends. Raises `DBAPIError` if it does not get the lock in time.
    """
    await session.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    await session.execute(text(f"ALTER TABLE {table.table} DETACH PARTITION {table.part(start)}"))
    await session.execute(text(f"DROP TABLE {table.part(start)}"))


async def _maintain(
    database: Database, table: Partitioned, present: dict[str, set[str]], now: datetime
) -> list[str]:
    there, done = present[table.table], list[str]()
    start = table.start(now)
    for _ in range(table.ahead + 1):
        if table.part(start) not in there:
            done += await _try(database, table, table.part(start), _make(table, start))
        start = table.following(start)
    for name in sorted(there):
        if table.expired(name, now):
            done += await _try(database, table, name, [f"DROP TABLE {name}"])
    if table.keep is not None and not table.append_only:
        # Usually there are no such rows: rows of a later period have moved out before.
        past = f"{table.column} < {table.bound(table.start(now - table.keep))}"
        emptied = f"DELETE FROM {table.rest} WHERE {past}"  # noqa: S608 - our names
        await _try(database, table, table.rest, [emptied])
    return done


def _make(table: Partitioned, start: datetime) -> list[str]:
    name, low, high = table.part(start), table.bound(start), table.bound(table.following(start))
    inside = f"{table.column} >= {low} AND {table.column} < {high}"
    moved = f"WITH moved AS (DELETE FROM {table.rest} WHERE {inside} RETURNING *)"  # noqa: S608 - our names
    move = [f"{moved} INSERT INTO {name} SELECT * FROM moved"]  # noqa: S608 - our names
    if table.append_only:
        switch = f"ALTER TABLE {table.rest} {{}} TRIGGER USER"
        move = [switch.format("DISABLE"), *move, switch.format("ENABLE")]
    return [
        # Lock the whole table: a reader that has looked up the partitions before and waits only for `rest`
        # would miss the rows that have moved out of it.
        f"LOCK TABLE {table.table} IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {name} (LIKE {table.table} INCLUDING ALL)",
        *move,
        f"ALTER TABLE {table.table} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})",
    ]


def _present(connection: Connection, tables: Sequence[Partitioned]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {table.table: set() for table in tables}
    rows = connection.execute(
        text(
            "SELECT parent.relname, child.relname FROM pg_inherits "
            "JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid "
            "WHERE parent.relname = ANY(:names) AND pg_table_is_visible(parent.oid)"
        ),
        {"names": list(found)},
    )
    for parent, child in rows:
        found[parent].add(child)
    return found


async def _try(database: Database, table: Partitioned, name: str, statements: Sequence[str]) -> list[str]:
    try:
        async with database.engine.begin() as connection:
            await connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
            for statement in statements:
                await connection.execute(text(statement))
    except DBAPIError as error:
        LEFT.labels(table.table).inc()
        log.warning("partition left for later", partition=name, error=str(error.orig))
        return []
    return [name]
