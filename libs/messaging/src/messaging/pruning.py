"""Deletes what messaging and `servicekit.idempotency` have no more use for."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Table

from jobs.kinds import Periodic
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

# An event is redelivered within minutes, a request retried within hours.
_KEEP_EVENTS = timedelta(days=30)
_KEEP_KEYS = timedelta(days=1)


async def prune(database: Database, inbox: Table, idempotency_keys: Table | None = None) -> None:
    """Delete the ids of events processed a month ago and the idempotency keys of the day before."""
    now = datetime.now(UTC)
    await delete_in_batches(database, inbox, inbox.c.handled_at < now - _KEEP_EVENTS)
    if idempotency_keys is not None:
        keys = idempotency_keys
        await delete_in_batches(database, keys, keys.c.created_at < now - _KEEP_KEYS)


def task(database: Database, inbox: Table, idempotency_keys: Table | None = None) -> Periodic:
    """`prune` as a periodic task."""

    async def run() -> None:
        await prune(database, inbox, idempotency_keys)

    return Periodic("messaging.prune", run, every=timedelta(hours=1))
