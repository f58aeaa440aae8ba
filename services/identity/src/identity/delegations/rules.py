"""Limits of delegations."""

from datetime import datetime, timedelta

LONGEST = timedelta(days=180)
BACKDATED = timedelta(minutes=5)
"""A start this far in the past is taken as now: the caller's clock may differ."""


def fits(starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Return whether a delegation begins now or later, and lasts at most `LONGEST`."""
    return now - BACKDATED <= starts_at < ends_at <= starts_at + LONGEST and ends_at > now
