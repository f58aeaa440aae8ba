"""Codes of the device flow (RFC 8628 §3.2, §6.1). Pure."""

import secrets
from datetime import datetime, timedelta

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


def new_user_code() -> str:
    """Eight letters as they are stored; `shown` is how people see them."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(user_code: str) -> str:
    """XXXX-XXXX."""
    return f"{user_code[:4]}-{user_code[4:]}"


def too_old(authenticated_at: datetime, max_age: int | None, now: datetime) -> bool:
    """Whether a sign-in is older than so many seconds; 0 takes none (OpenID Connect Core §3.1.2.1)."""
    return max_age is not None and (max_age == 0 or now - authenticated_at > timedelta(seconds=max_age))


def normal(typed: str) -> str | None:
    """The code that was meant: case and punctuation do not count (§6.1). None if it cannot be one."""
    letters = "".join(c for c in typed.upper() if c not in " -_.·—\t")
    return letters if len(letters) == LENGTH and set(letters) <= set(ALPHABET) else None
