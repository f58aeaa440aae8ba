"""Identifiers: UUIDv7 (RFC 9562 §5.7), so that primary keys grow with time and stay index-friendly."""

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A new UUIDv7 as a standard-library `UUID`."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
