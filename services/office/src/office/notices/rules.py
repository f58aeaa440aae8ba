"""Who may do what with notices, deadlines, and what a complete document has. Pure functions."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

from contracts.documents import Urgency
from contracts.vocabulary import NoticeStatus
from office.writing import secrecy
from servicekit.clock import SHANGHAI
from workdays import WorkDays, published_calendar

UNCLASSIFIED: Final = secrecy.UNCLASSIFIED
FILE_SUBJECT: Final = "notice"
"""The kind of subject that the files of a notice are attached to."""
"""What `secrecy` says of a document that may be here."""

IN_PREPARATION: Final = (NoticeStatus.REVIEWING, NoticeStatus.REVIEWED, NoticeStatus.ISSUED)
"""Between draft and publication: those who work with the unit's notices see it."""

DEFAULT_PERIODS: Final = {Urgency.NORMAL: WorkDays(2), Urgency.URGENT: WorkDays(1)}
URGENT_HOURS: Final = 4
"""特急: hours, not workdays. No statute sets these; they are Office's defaults."""

ANNOUNCED: Final = timedelta(days=7)
"""公告, in a year without published workdays."""

MAX_WORKDAYS: Final = 60
_LONGEST = timedelta(days=366)
LONGEST_WAIT: Final = timedelta(days=90)
"""How long after its issue a notice may be published."""
COALESCED: Final = timedelta(minutes=10)
"""Saves of one person within this time make one revision: editors save every few seconds."""


def draft_subject(notice_id: UUID) -> str:
    """Return the subject of tasks about a notice before its publication; later it is `notice/<id>`."""
    return f"draft/{notice_id}"


class CalendarNotPublishedError(Exception):
    """The State Council has not published the workdays of `year`."""

    def __init__(self, year: int) -> None:
        super().__init__(str(year))
        self.year = year


class DeadlineOutOfRangeError(Exception):
    """A deadline in the past or more than a year ahead."""


def is_secrecy(text: str) -> bool:
    """Return whether `text` is a valid secrecy marking: 无, or a class with or without its term."""
    return secrecy.is_secrecy(text)


def is_classified(marking: str, texts: Iterable[str]) -> bool:
    """Return whether a document is marked 秘密, 机密 or 绝密, in its field or in any of its texts."""
    return secrecy.names_class(marking) or secrecy.is_marked(texts)


def deadline(urgency: Urgency, workdays: int | None, issued_at: datetime) -> datetime:
    """Return the deadline of a notice issued at `issued_at`: end of day (Beijing) `workdays` later, in UTC.

    Without `workdays`, the urgency determines the deadline: 平件 2, 加急 1 workday, 特急 4 hours. Raises
    `CalendarNotPublishedError`.
    """
    if workdays is None:
        if urgency is Urgency.EXTRA_URGENT:
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


def is_publishing_time(wanted: datetime, now: datetime) -> bool:
    """Return whether a notice that is issued now may be published at `wanted`: at most 90 days ahead."""
    return timedelta(0) < wanted - now <= LONGEST_WAIT
