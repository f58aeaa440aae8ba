"""Tables that are emptied by the day: a partition is dropped whole, where deleting its rows would hold a
transaction open, write each to the log again and leave as many dead rows and index entries to be vacuumed.

A table is partitioned by a time, or by an id that begins with one (UUIDv7): then the primary key stays a
single column, and a row found by its id is looked for in one partition. Days are made ahead; what belongs
to a day further away waits in the partition `rest` and moves when its day comes near, so that no insert
ever fails for want of a partition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from servicekit.db import Database
from servicekit.ids import first_id

log = structlog.get_logger("partitions")

LEFT = Counter(
    "zhuxue_partitions_left_total", "Partitions that could not be made, dropped or emptied in time", ["table"]
)

AHEAD_DAYS = 2
_DAY = timedelta(days=1)
_LOCK = 0x5A58_5041_5254
_FORMAT = "%Y%m%d"
# Waiting for a lock on a busy table makes everybody else wait: rather try again in an hour.
_LOCK_TIMEOUT = "2s"


@dataclass(frozen=True)
class ByDay:
    """A table partitioned by day of `column`; a day is dropped `keep` after its end.

    `ids` says that the column holds UUIDv7 instead of times.
    """

    table: str
    column: str
    keep: timedelta
    ids: bool = False

    def part(self, day: datetime) -> str:
        """The name of a day's partition; migrations know by `_part_` that it is not a model's."""
        return f"{self.table}_part_{day:{_FORMAT}}"

    @property
    def rest(self) -> str:
        """The name of the default partition."""
        return f"{self.table}_part_rest"

    def bound(self, day: datetime) -> str:
        """The SQL literal at which a day begins."""
        return f"'{first_id(day) if self.ids else day.isoformat()}'"


async def maintain(database: Database, tables: Sequence[ByDay], now: datetime) -> list[str]:
    """Make the partitions of today and the days ahead, drop those past keeping.

    Returns the names of partitions made or dropped. Each is a transaction of its own; one that cannot have
    its lock at once is left for the next time, and counted. Waits for another process that is at it.
    """
    async with database.engine.begin() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        present = await connection.run_sync(_present, tables)
        return [name for table in tables for name in await _maintain(database, table, present, now)]


async def _maintain(
    database: Database, table: ByDay, present: dict[str, set[str]], now: datetime
) -> list[str]:
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    there, done = present[table.table], list[str]()
    for day in (today + n * _DAY for n in range(AHEAD_DAYS + 1)):
        if table.part(day) not in there:
            done += await _try(database, table, table.part(day), _make(table, day))
    for name in sorted(there):
        suffix = name.removeprefix(f"{table.table}_part_")
        if not suffix.isdigit():
            continue
        ended = datetime.strptime(suffix, _FORMAT).replace(tzinfo=UTC) + _DAY
        if ended + table.keep <= now:
            done += await _try(database, table, name, [f"DROP TABLE {name}"])
    # Nearly always nothing: what has its day far ahead has moved out before.
    past = f"{table.column} < {table.bound(_oldest(table, now))}"
    emptied = f"DELETE FROM {table.rest} WHERE {past}"  # noqa: S608 - our names
    await _try(database, table, table.rest, [emptied])
    return done


def _oldest(table: ByDay, now: datetime) -> datetime:
    return datetime.combine((now - table.keep).astimezone(UTC).date(), time(), UTC)


def _make(table: ByDay, day: datetime) -> list[str]:
    name, low, high = table.part(day), table.bound(day), table.bound(day + _DAY)
    inside = f"{table.column} >= {low} AND {table.column} < {high}"
    moved = f"WITH moved AS (DELETE FROM {table.rest} WHERE {inside} RETURNING *)"  # noqa: S608 - our names
    return [
        # The whole table, for the moment this takes: a reader that has looked up the partitions before and
        # waits for `rest` alone would afterwards miss the rows that have moved out of it.
        f"LOCK TABLE {table.table} IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {name} (LIKE {table.table} INCLUDING ALL)",
        f"{moved} INSERT INTO {name} SELECT * FROM moved",  # noqa: S608 - our names
        f"ALTER TABLE {table.table} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})",
    ]


def _present(connection: Connection, tables: Sequence[ByDay]) -> dict[str, set[str]]:
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


async def _try(database: Database, table: ByDay, name: str, statements: Sequence[str]) -> list[str]:
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
