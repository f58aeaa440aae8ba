"""Checksums of parts. Pure."""

import base64
import binascii
import re
from hashlib import sha256

DIGEST = r"^sha-256=:[A-Za-z0-9+/]{43}=:$"
"""A `Content-Digest` with the one algorithm that is known (RFC 9530 §2)."""


def matches(digest: str, content: bytes) -> bool:
    """Return whether a `Content-Digest` is that of the content."""
    if not re.match(DIGEST, digest):
        return False
    try:
        return base64.b64decode(digest[len("sha-256=:") : -1], validate=True) == sha256(content).digest()
    except binascii.Error:
        return False
