"""What a display may call, and how often Identity is asked about it. Pure functions."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SCOPE: Final = "cockpit:wall offline_access"
ROUTES: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "cockpit": {"/api/v1/views/{module}": ("GET",)},
}
"""The operations of a display: it stands where everybody sees it."""
KNOWN_AFTER: Final = timedelta(minutes=2)
"""So long the cockpit may take to learn of a display that was allowed; it refuses it until then."""
ASKING: Final = timedelta(seconds=60)
"""A question to the issuer has ended by then, with or without an answer."""
SLOWER: Final = 5
"""Seconds that `slow_down` adds to the interval (RFC 8628 §3.5)."""
LONGEST: Final = 60
"""The longest interval while Identity gives no answer."""


class WallState(StrEnum):
    """What a display has to show."""

    NONE = "none"
    PENDING = "pending"
    DENIED = "denied"
    SHOWING = "showing"


def remaining(poll_at: datetime, now: datetime) -> int:
    """Return the whole seconds until Identity may be asked."""
    return max(1, math.ceil((poll_at - now).total_seconds()))


def later(interval: int) -> int:
    """Return the interval after Identity gave no answer: twice as long (RFC 8628 §3.5)."""
    return max(interval, min(interval * 2, LONGEST))


def after(error: str) -> WallState:
    """Return what an error of the token endpoint means for the display (RFC 8628 §3.5)."""
    if error in ("authorization_pending", "slow_down"):
        return WallState.PENDING
    return WallState.DENIED if error == "access_denied" else WallState.NONE
