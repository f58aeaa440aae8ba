"""How long a session lasts. Pure functions."""

from datetime import datetime, timedelta

SEEN = timedelta(minutes=1)
"""How exactly the last use of a session is recorded: not every request writes."""
WALL = timedelta(days=400)
"""How long a wall display lasts at the portal, as long as browsers keep a cookie (RFC 6265bis §5.5). Identity
ends its grant before.
"""
RENEW_BEFORE = timedelta(seconds=20)
"""A token is renewed so long before its end, so that it does not end on its way."""
RENEWING = timedelta(seconds=15)
"""How long a process may take to renew a token before another one tries."""


def expiry(now: datetime, ends_at: datetime, idle: timedelta) -> datetime:
    """Return when a session that is used at `now` ends if it is not used again."""
    return min(now + idle, ends_at)


def used_again(now: datetime, seen_at: datetime) -> bool:
    """Return whether the use at `now` is worth a write."""
    return now - seen_at >= SEEN


def usable(expires_at: datetime, now: datetime) -> bool:
    """Return whether an access token may be sent with a request."""
    return now + RENEW_BEFORE < expires_at
