"""What an inbox lists and how, and when a signature is late. Pure functions."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from contracts.vocabulary import NoticeStatus

RECEIVED: Final = (NoticeStatus.PUBLISHED, NoticeStatus.WITHDRAWN, NoticeStatus.SUPERSEDED)
"""What an inbox lists unless a status is asked for: withdrawn notices as 《…》已撤回."""

_SECOND = timedelta(seconds=1)


class InboxSort(StrEnum):
    """The order of an inbox."""

    DELIVERED = "delivered"
    DEADLINE = "deadline"


def is_late(at: datetime, deadline: datetime) -> bool:
    """Return whether `at` is after the second in which the deadline is: 23:59:59.9 is in time."""
    return at - deadline >= _SECOND


def overdue_before(now: datetime) -> datetime:
    """Return the latest deadline that has passed at `now`."""
    return now - _SECOND
