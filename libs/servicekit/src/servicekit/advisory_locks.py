"""Advisory locks of a transaction on a lane."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID


class Lock(NamedTuple):
    """An advisory lock of a transaction."""

    sql: str


def shared(space: int, *ids: UUID) -> Lock:
    """Return a lock that transactions share: `pg_advisory_xact_lock_shared(space, hashtext(ids))`."""
    return Lock(f"SELECT pg_advisory_xact_lock_shared({_key(space, ids)})")


def alone(space: int, *ids: UUID) -> Lock:
    """Return the lock that excludes all others of the same ids: `pg_advisory_xact_lock`."""
    return Lock(f"SELECT pg_advisory_xact_lock({_key(space, ids)})")


def _key(space: int, ids: Sequence[UUID]) -> str:
    text = "".join(str(UUID(str(id_))) for id_ in ids)
    return f"{int(space)}, hashtext('{text}')"
