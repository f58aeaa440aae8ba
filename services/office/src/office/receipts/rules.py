"""What an inbox lists, and how. Pure functions."""

from enum import StrEnum
from typing import Final

from contracts.vocabulary import NoticeStatus

RECEIVED: Final = (NoticeStatus.PUBLISHED, NoticeStatus.WITHDRAWN, NoticeStatus.SUPERSEDED)
"""What an inbox lists unless a status is asked for: withdrawn notices as 《…》已撤回."""


class InboxSort(StrEnum):
    """The order of an inbox."""

    DELIVERED = "delivered"
    DEADLINE = "deadline"
