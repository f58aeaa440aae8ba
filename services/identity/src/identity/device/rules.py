"""Codes of the device flow (RFC 8628 §3.2, §6.1). Pure."""

import base64
import binascii
import secrets
from datetime import timedelta
from uuid import UUID

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, so that no words come out, and without what looks alike (§6.1)."""
LENGTH = 8
LIFETIME = timedelta(seconds=600)
INTERVAL = 5
"""Seconds between polls, and by how much a hasty client has to wait longer (§3.5)."""
TRIES_WINDOW = timedelta(minutes=10)
TRIES_PER_PERSON = 5
TRIES_PER_ADDRESS = 30
"""A school may share one address. With 20^8 codes either makes guessing hopeless (§5.1)."""

_SECRET_BYTES = 32


def new_user_code() -> str:
    """Eight letters as they are stored; `shown` is how people see them."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(user_code: str) -> str:
    """XXXX-XXXX."""
    return f"{user_code[:4]}-{user_code[4:]}"


def normal(typed: str) -> str | None:
    """The code that was meant: case and punctuation do not count (§6.1). None if it cannot be one."""
    letters = "".join(c for c in typed.upper() if c not in " -_.·—\t")
    return letters if len(letters) == LENGTH and set(letters) <= set(ALPHABET) else None


def new_device_code(row_id: UUID) -> str:
    """The device's secret, which also says where to find its row."""
    return base64.urlsafe_b64encode(row_id.bytes + secrets.token_bytes(_SECRET_BYTES)).rstrip(b"=").decode()


def row_of(device_code: str) -> UUID | None:
    """Where a device code's row is; None for what is not one of ours."""
    try:
        raw = base64.b64decode(device_code.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return UUID(bytes=raw[:16]) if len(raw) == 16 + _SECRET_BYTES else None
