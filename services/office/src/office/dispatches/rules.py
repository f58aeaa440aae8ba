"""When something is late. Pure functions."""

from datetime import datetime, timedelta

_SECOND = timedelta(seconds=1)


def is_late(at: datetime, deadline: datetime) -> bool:
    """Return whether `at` is after the second in which the deadline is: 23:59:59.9 is in time."""
    return at - deadline >= _SECOND


def overdue_before(now: datetime) -> datetime:
    """Return the latest deadline that has passed at `now`."""
    return now - _SECOND
