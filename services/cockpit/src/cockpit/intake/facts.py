"""Writing facts to ClickHouse, one load at a time.

A load's facts count only while the load counts in PostgreSQL; until then, writes can be repeated, abandoned
or deleted at any time.
"""

from collections.abc import Sequence
from typing import BinaryIO
from uuid import UUID

import pyarrow as pa

from cockpit.analytics.store import Analytics
from cockpit.feeds.declarations import feed_of
from cockpit.intake.errors import FactsIncomplete, ReversalIncomplete
from filekit.spool import writing


class FactWriter:
    """Insert, reverse and delete the facts of loads."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def insert(self, feed: str, columns: Sequence[str], facts: BinaryIO) -> None:
        """Append the facts of a stream in Arrow's IPC format as one insert."""
        await self._analytics.insert(feed_of(feed).table, columns, facts, "ArrowStream")

    async def check(self, feed: str, load_id: UUID, count: int) -> None:
        """Raise `FactsIncomplete` unless the load has the expected number of facts.

        A connection lost during an insert can make the client send it again, in part or twice.
        """
        if await self._count(feed, load_id) != count:
            raise FactsIncomplete

    async def _count(self, feed: str, load_id: UUID) -> int:
        found = await self._analytics.query(
            f"SELECT count() AS n FROM {feed_of(feed).table} WHERE load_id = {{load:UUID}}",  # noqa: S608 - a constant table name
            {"load": load_id},
            writing=True,
        )
        return int(found[0]["n"])

    async def reverse(self, feed: str, load_id: UUID, reversal_id: UUID) -> None:
        """Write the facts of a load with the opposite sign, as another load.

        Raises `ReversalIncomplete` unless there are as many afterwards; see `check`.
        """
        # The inner query keeps aliases out of its WHERE, where ClickHouse would let them shadow the columns.
        table = feed_of(feed).table
        await self._analytics.execute(
            f"INSERT INTO {table} SELECT * REPLACE("  # noqa: S608 - a constant table name
            "{new:UUID} AS load_id, toInt8(-sign) AS sign, now64(3, 'UTC') AS recorded_at)"
            f" FROM (SELECT * FROM {table} WHERE load_id = {{old:UUID}})",
            {"new": reversal_id, "old": load_id},
        )
        if await self._count(feed, reversal_id) != await self._count(feed, load_id):
            raise ReversalIncomplete

    async def delete(self, feed: str, load_id: UUID) -> None:
        """Delete the facts of a load that does not count."""
        await self._analytics.delete(feed_of(feed).table, "load_id = {load:UUID}", {"load": load_id})


class FactFile:
    """Facts on disk until there are enough of them for an insert, as a stream in Arrow's IPC format."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.columns: list[str] = []
        self._writer: pa.RecordBatchStreamWriter | None = None

    def write(self, facts: pa.RecordBatch) -> None:
        """Append facts. Blocks."""
        if self._writer is None:
            self.columns = facts.schema.names
            # Each part has a dictionary of its own, of the few values that its rows share.
            options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=False)
            self._writer = pa.ipc.new_stream(self.file, facts.schema, options=options)
        with writing():
            self._writer.write_batch(facts)

    def end(self) -> None:
        """Complete the stream and go to its start. Blocks."""
        with writing():
            if self._writer is not None:
                self._writer.close()
            self.file.seek(0)

    def clear(self) -> None:
        """Begin another stream."""
        self._writer = None
        self.file.seek(0)
        self.file.truncate()
