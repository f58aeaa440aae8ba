"""Handles of stored rows: the id of the row, which selects its partition, and a secret.

The row stores a hash of the handle, so that a stolen table contains no usable handle.
"""

import base64
import secrets
from uuid import UUID

_SECRET_BYTES = 32
_LENGTH = (16 + _SECRET_BYTES) * 4 // 3


def handle(row_id: UUID, secret: bytes | None = None) -> str:
    """Return 64 characters of base64url, with 256 random bits unless a `secret` of 32 bytes is given."""
    return base64.urlsafe_b64encode(row_id.bytes + (secret or secrets.token_bytes(_SECRET_BYTES))).decode()


def id_of(value: str) -> UUID | None:
    """Return the id in a handle, or None for an invalid handle."""
    if len(value) != _LENGTH:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(value)[:16])
    except ValueError:
        return None
