"""Signatures of the gateway that passes on text messages from phones. Pure."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
"""How far the gateway's clock may be off, and how old a request may be."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of the header `X-Signature`: HMAC-SHA-256 over timestamp, a dot and the body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def is_signed(secret: str, timestamp: str, given: str, body: bytes, now: datetime) -> bool:
    """Return whether the gateway signed this body within the last minutes.

    `timestamp` is in seconds since 1970.
    """
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    return hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode())
