"""What an inbox lists, and how; who is counted. Pure functions."""

from typing import Final

from contracts.vocabulary import NoticeStatus, Vocabulary

READERS: Final = 0x5244
"""First key of the advisory lock of the readers of a notice in one unit."""

RECEIVED: Final = (NoticeStatus.PUBLISHED, NoticeStatus.WITHDRAWN, NoticeStatus.SUPERSEDED)
"""What an inbox lists unless a status is asked for: withdrawn notices as 《…》已撤回."""


class InboxSort(Vocabulary):
    """The order of an inbox."""

    DELIVERED = "delivered", "送达时间从新到旧"
    DEADLINE = "deadline", "截止时间从早到晚"
