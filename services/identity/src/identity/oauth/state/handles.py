"""What is handed out for a stored row: its id, so that the row is found in its one partition, and a secret.

The row stores a hash of the handle, so that a stolen table contains no usable handle.
"""

import base64
import secrets
from uuid import UUID

_SECRET_BYTES = 32
_LENGTH = (16 + _SECRET_BYTES) * 4 // 3


def handle(row_id: UUID, secret: bytes | None = None) -> str:
    """64 characters of base64url; 256 random bits of them unless a `secret` of 32 bytes is given."""
    return base64.urlsafe_b64encode(row_id.bytes + (secret or secrets.token_bytes(_SECRET_BYTES))).decode()


def id_of(value: str) -> UUID | None:
    """The id in a handle, or None if it is none."""
    if len(value) != _LENGTH:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(value)[:16])
    except ValueError:
        return None
