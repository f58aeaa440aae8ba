"""When to remind. Pure functions."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from servicekit.clock import SHANGHAI
from workdays import Calendar

DEFAULT_OFFSETS: Final = (-1, 0, 1, 3)
"""Workdays from the deadline: one before, on the day, one and three after."""

MAX_OFFSET: Final = 20
MAX_OFFSETS: Final = 10

INTERVAL: Final = timedelta(hours=4)
"""A unit is reminded of a notice at most once in this time."""

_MORNING: Final = time(9)
_DAY: Final = timedelta(days=1)
_MISSED: Final = timedelta(hours=24)
"""A time that passed longer ago is left out: a service that was down does not remind of it all at once."""


def slot(at: datetime) -> int:
    """Return the number of the interval that `at` is in; the key of a reminder contains it."""
    return int(at.timestamp() // INTERVAL.total_seconds())


def due_at(deadline: datetime, offset: int, calendar: Calendar) -> datetime:
    """Return nine o'clock in Beijing of the day `offset` workdays from the day of the deadline."""
    day = deadline.astimezone(SHANGHAI).date()
    for _ in range(abs(offset)):
        day = _next_workday(day, _DAY if offset > 0 else -_DAY, calendar)
    return datetime.combine(day, _MORNING, SHANGHAI).astimezone(UTC)


def due(deadline: datetime, offsets: Sequence[int], now: datetime, calendar: Calendar) -> int | None:
    """Return the offset whose time has come last, if it is not long ago."""
    times = [(due_at(deadline, offset, calendar), offset) for offset in offsets]
    passed = [one for one in times if now - _MISSED < one[0] <= now]
    return max(passed)[1] if passed else None


def _next_workday(day: date, step: timedelta, calendar: Calendar) -> date:
    day += step
    while not calendar.is_workday(day):
        day += step
    return day
