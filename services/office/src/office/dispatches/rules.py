"""When something is late. Pure functions."""

from datetime import datetime, timedelta
from typing import Final

CIRCULATION: Final = 0x4E4F
"""First key of the advisory lock of a notice: shared by those who receive it, exclusive for a withdrawal."""

_SECOND = timedelta(seconds=1)


def is_late(at: datetime, deadline: datetime) -> bool:
    """Return whether `at` is after the second in which the deadline is: 23:59:59.9 is in time."""
    return at - deadline >= _SECOND


def overdue_before(now: datetime) -> datetime:
    """Return the latest deadline that has passed at `now`."""
    return now - _SECOND
