"""Rules for codes of the device flow (RFC 8628 §3.2, §6.1). Pure."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from identity.clients.rules import WALL

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, to avoid words, and without characters that look alike (§6.1)."""
LENGTH = 8
LIFETIME = timedelta(seconds=600)
INTERVAL = 5
"""Seconds between polls, and the increment after `slow_down` (§3.5)."""
TRIES_WINDOW = timedelta(minutes=10)
TRIES_PER_PERSON = 5
TRIES_PER_ADDRESS = 30
"""Attempts per person and per address; a school may share one address. With 20^8 codes, guessing is
infeasible with either limit (§5.1).
"""


WITH_WALL = frozenset({WALL, "openid", "offline_access"})
"""Scopes that a wall display may have: it stands where everybody sees it."""
WALL_NAME = 40
"""Characters of the name of a wall display, at most."""


def fits_a_wall(scopes: Collection[str]) -> bool:
    """Return whether scopes are without that of wall displays, or have nothing that does not fit it."""
    return WALL not in scopes or WITH_WALL.issuperset(scopes)


def wall_name(typed: str) -> str | None:
    """Return the name of a wall display as it is kept; None if it is empty, too long, or has characters that
    lists do not show, such as those that turn the direction of the text after them.
    """
    name = " ".join(typed.split())
    return name if 0 < len(name) <= WALL_NAME and name.isprintable() else None


def new_user_code() -> str:
    """Return a user code of eight letters as it is stored; `shown` formats it for people."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(user_code: str) -> str:
    """Format a code as XXXX-XXXX."""
    return f"{user_code[:4]}-{user_code[4:]}"


def too_old(authenticated_at: datetime, max_age: int | None, now: datetime) -> bool:
    """Return whether a sign-in is older than `max_age` seconds; 0 rejects every sign-in (OpenID Connect Core
    §3.1.2.1).
    """
    return max_age is not None and (max_age == 0 or now - authenticated_at > timedelta(seconds=max_age))


def normal(typed: str) -> str | None:
    """Normalize a typed code, ignoring case and punctuation (§6.1). Return None if it is not a code."""
    letters = "".join(c for c in typed.upper() if c not in " -_.·—\t")
    return letters if len(letters) == LENGTH and set(letters) <= set(ALPHABET) else None
