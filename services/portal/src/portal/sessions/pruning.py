"""Deletion of sessions that have expired, with their tokens."""

from datetime import datetime

from portal.base import Base
from servicekit.db import Database
from servicekit.pruning import delete_in_batches


async def prune(database: Database, now: datetime) -> None:
    """Delete what has expired. Several processes may do so at once."""
    for name in ("sessions", "used_logout_tokens", "wall_requests"):
        table = Base.metadata.tables[name]
        await delete_in_batches(database, table, table.c.expires_at < now)
