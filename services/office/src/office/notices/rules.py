"""Validation of notice content, and computation of deadlines. Pure functions."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal

from contracts.vocabulary import Role
from servicekit.clock import SHANGHAI
from workdays import WorkDays, published_calendar

Urgency = Literal["平件", "加急", "特急"]

UNCLASSIFIED: Final = "无"
"""What `secrecy` says of a document that may be here."""

DRAFTING_ROLES: Final = (Role.HANDLER, Role.APPROVER, Role.UNIT_ADMIN)
ISSUING_ROLES: Final = (Role.APPROVER,)
DELIVERY_ROLES: Final = (Role.HANDLER, Role.APPROVER, Role.UNIT_ADMIN)

DEFAULT_PERIODS: Final = {"平件": WorkDays(2), "加急": WorkDays(1)}
URGENT_HOURS: Final = 4
"""特急: hours, not workdays. No statute sets these; they are Office's defaults."""

MAX_WORKDAYS: Final = 60
_LONGEST = timedelta(days=366)

# GB/T 9704-2012 §7.2.5: 机关代字, the year in full in 〔〕 (not [] or ()), a number without padding, 号.
_DOCUMENT_NUMBER = re.compile(r"[\u3400-\u9fff]{1,20}〔(19|20)\d{2}〕[1-9]\d{0,4}号")

_CLASSES = ("绝密", "机密", "秘密")
# GB/T 9704-2012 §7.2.2 writes 机密★1年; the word alone on a line is also a marking. In ordinary sentences
# the words are allowed.
_MARK = re.compile(r"(绝密|机密|秘密)\s*★|^\s*(密级\s*[:：]\s*)?(绝密|机密|秘密)\s*$", re.MULTILINE)


class CalendarNotPublishedError(Exception):
    """The State Council has not published the workdays of `year`."""

    def __init__(self, year: int) -> None:
        super().__init__(str(year))
        self.year = year


class DeadlineOutOfRangeError(Exception):
    """A deadline in the past or more than a year ahead."""


def is_document_number(text: str) -> bool:
    """Return whether `text` is a valid 发文字号 such as 教助中心〔2023〕11号 (GB/T 9704-2012 §7.2.5)."""
    return _DOCUMENT_NUMBER.fullmatch(text) is not None


def is_secrecy(text: str) -> bool:
    """Return whether `text` is a valid secrecy marking: 无, or a class with or without its term."""
    return text == UNCLASSIFIED or _names_class(text)


def is_classified(secrecy: str, texts: Iterable[str]) -> bool:
    """Return whether a document is marked 秘密, 机密 or 绝密, in its field or in any of its texts.

    State secrets must not be put on the internet unprotected (保守国家秘密法 2024), so Office refuses them.
    """
    return _names_class(secrecy) or any(_MARK.search(text) for text in texts)


def _names_class(text: str) -> bool:
    return any(name in text for name in _CLASSES)


def deadline(urgency: Urgency, workdays: int | None, issued_at: datetime) -> datetime:
    """Return the deadline of a notice issued at `issued_at`: end of day (Beijing) `workdays` later, in UTC.

    Without `workdays`, the urgency determines the deadline: 平件 2, 加急 1 workday, 特急 4 hours. Raises
    `CalendarNotPublishedError`.
    """
    if workdays is None:
        if urgency == "特急":
            return issued_at + timedelta(hours=URGENT_HOURS)
        period = DEFAULT_PERIODS[urgency]
    else:
        period = WorkDays(workdays)
    due = published_calendar().after(issued_at.astimezone(SHANGHAI).date(), period)
    if due.provisional:
        raise CalendarNotPublishedError(due.unpublished[0])
    return datetime.combine(due.day, time(23, 59, 59), SHANGHAI).astimezone(UTC)


def check_deadline(wanted: datetime, now: datetime) -> None:
    """Raise `DeadlineOutOfRangeError` unless `wanted` is in the future and at most a year ahead."""
    # Compare differences: an extreme year with a zone offset may not be representable in UTC.
    if not timedelta(0) < wanted - now <= _LONGEST:
        raise DeadlineOutOfRangeError
