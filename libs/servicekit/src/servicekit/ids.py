"""Identifiers: UUIDv7 (RFC 9562 §5.7), which increase with time and suit B-tree indexes."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """Return a new UUIDv7 as a standard-library `UUID`."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def id_at(instant: datetime) -> UUID:
    """Return a UUIDv7 with the given time, such as the time when its row may be deleted."""
    return UUID(int=first_id(instant).int | secrets.randbits(12) << 64 | secrets.randbits(62))


def instant_of(row_id: UUID) -> datetime:
    """Return the time of a UUIDv7."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)


def first_id(instant: datetime) -> UUID:
    """Return the smallest UUIDv7 of a millisecond, as a bound for ranges of ids."""
    milliseconds = int(instant.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)
