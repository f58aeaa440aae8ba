"""The curve of a notice's progress. Pure functions."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import NamedTuple

from contracts.vocabulary import Vocabulary
from servicekit.clock import SHANGHAI

HOUR = timedelta(hours=1)


class Step(Vocabulary):
    """The distance of the points of a curve."""

    HOUR = "hour", "每小时"
    DAY = "day", "每天"


class Increment(NamedTuple):
    """What has been added in the hour that begins at `hour`."""

    hour: datetime
    signed: int
    answered: int
    people_read: int


class Point(NamedTuple):
    """Sums up to `at`."""

    at: datetime
    signed: int
    answered: int
    people_read: int


def end_of(step: Step, at: datetime) -> datetime:
    """Return the end of the hour, or of the day in Beijing, that `at` is in; in UTC for hours."""
    if step is Step.HOUR:
        return at.replace(minute=0, second=0, microsecond=0) + HOUR
    day = at.astimezone(SHANGHAI).date() + timedelta(days=1)
    return datetime.combine(day, time(), SHANGHAI)


def curve(increments: Iterable[Increment], step: Step) -> list[Point]:
    """Return a point for the end of each hour or day in which something was added, with the sums up to it."""
    points: list[Point] = []
    signed = answered = people_read = 0
    for one in increments:
        signed, answered = signed + one.signed, answered + one.answered
        people_read += one.people_read
        end = end_of(step, one.hour)
        if points and points[-1].at == end:
            points.pop()
        points.append(Point(end, signed, answered, people_read))
    return points
