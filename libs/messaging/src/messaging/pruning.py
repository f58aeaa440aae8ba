"""Deletes old ids of processed events and old idempotency keys."""

from datetime import UTC, datetime, timedelta

from jobs.kinds import Periodic
from messaging.tables import ServiceTables
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

# Events are redelivered within minutes, requests are retried within hours.
_KEEP_EVENTS = timedelta(days=30)
_KEEP_KEYS = timedelta(days=1)


async def prune(database: Database, tables: ServiceTables) -> None:
    """Delete ids of events after a month and idempotency keys after a day."""
    now, inbox, keys = datetime.now(UTC), tables.inbox, tables.idempotency_keys
    await delete_in_batches(database, inbox, inbox.c.handled_at < now - _KEEP_EVENTS)
    if keys is not None:
        await delete_in_batches(database, keys, keys.c.created_at < now - _KEEP_KEYS)


def task(database: Database, tables: ServiceTables) -> Periodic:
    """Return `prune` as a periodic task."""

    async def run() -> None:
        await prune(database, tables)

    return Periodic("messaging.prune", run, every=timedelta(hours=1))
