"""Deadlines of tasks, their links, and the search in their titles. Pure functions."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import pairwise
from typing import Final

from contracts.documents import Urgency
from contracts.vocabulary import TaskClock
from servicekit.clock import SHANGHAI
from workdays import Calendar, CalendarDays, WorkDays

MAX_TITLE: Final = 200
MAX_NOTE: Final = 500
MAX_LINK: Final = 500

# A path of the front end, or an address elsewhere. `//host` would lead elsewhere unnoticed.
_LINK = re.compile(r"(/(?!/)|https://[^/\s]+(/|$))[^\s<>\"'\\]*")
# Only as many workdays are counted as a screen says anything about.
_FAR = 120


@dataclass(frozen=True)
class Deadline:
    """When a task is due. `clock` and `count` are the period it was set by, if it was; `provisional`: a year
    on which the day depends has no published workdays yet.
    """

    at: datetime
    clock: TaskClock | None = None
    count: int | None = None
    provisional: bool = False

    @classmethod
    def after(cls, start: datetime, period: WorkDays | CalendarDays, calendar: Calendar) -> "Deadline":
        """Return the end of the day (Beijing) that is `period` after the day of `start`."""
        due = calendar.after(start.astimezone(SHANGHAI).date(), period)
        clock = TaskClock.WORKDAYS if isinstance(period, WorkDays) else TaskClock.DAYS
        at = datetime.combine(due.day, time(23, 59, 59), SHANGHAI).astimezone(UTC)
        return cls(at, clock, period.count, due.provisional)


@dataclass(frozen=True)
class TimeLeft:
    """The days until a deadline, by both clocks; 0 on the day itself, None once it has passed."""

    days: int | None
    workdays: int | None


def time_left(deadline: datetime | None, now: datetime, calendar: Calendar) -> TimeLeft:
    """Return the days and workdays from today until the day of `deadline`, which counts (Beijing).

    Workdays are None for a deadline more than 120 days ahead.
    """
    if deadline is None or deadline < now:
        return TimeLeft(None, None)
    today, due = now.astimezone(SHANGHAI).date(), deadline.astimezone(SHANGHAI).date()
    days = (due - today).days
    return TimeLeft(days, calendar.workdays_between(today, due).count if days <= _FAR else None)


def rank(urgency: Urgency) -> int:
    """Return the place of an urgency in ascending order."""
    return list(Urgency).index(urgency)


def is_link(text: str) -> bool:
    """Return whether `text` is a path of the front end or an https address."""
    return len(text) <= MAX_LINK and _LINK.fullmatch(text) is not None


def pairs(text: str) -> list[str]:
    """Return the pairs of neighbouring letters, digits and Chinese characters, by which titles are found."""
    folded = unicodedata.normalize("NFKC", text).lower()
    words: Iterable[str] = re.split(r"[\W_]+", folded)
    return sorted({one + other for word in words for one, other in pairwise(word)})
