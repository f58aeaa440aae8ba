"""Identifiers: UUIDv7 (RFC 9562 §5.7), so that primary keys grow with time and stay index-friendly."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A new UUIDv7 as a standard-library `UUID`."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def id_at(instant: datetime) -> UUID:
    """A UUIDv7 that carries another time than now, such as when its row can be forgotten."""
    return UUID(int=first_id(instant).int | secrets.randbits(12) << 64 | secrets.randbits(62))


def instant_of(row_id: UUID) -> datetime:
    """The time that a UUIDv7 carries."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)


def first_id(instant: datetime) -> UUID:
    """The smallest UUIDv7 of a millisecond: a bound for ranges of ids."""
    milliseconds = int(instant.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)
