"""The curve of a notice's progress, and what changes of the tree mean for it. Pure functions."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from contracts.vocabulary import UnitChangeKind, UnitStatus, Vocabulary
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


def curve(increments: Iterable[Increment], step: Step, *, until: datetime) -> list[Point]:
    """Return a point for the end of each hour or day in which something was added and that ended before
    `until`, with the sums up to it.
    """
    points: list[Point] = []
    signed = answered = people_read = 0
    for one in increments:
        end = end_of(step, one.hour)
        if end >= until:
            break
        signed, answered = signed + one.signed, answered + one.answered
        people_read += one.people_read
        if points and points[-1].at == end:
            points.pop()
        points.append(Point(end, signed, answered, people_read))
    return points


class Counting(Vocabulary):
    """Whether a unit that has changed since a notice counts for it, and where."""

    REACHED = "reached", "按送达时所在的上级单位计入"
    PRESENT = "present", "尚未送达，按现在所在的上级单位计入"
    CLOSED = "closed", "已撤销或并入，此前未签收，不计入"
    LEFT = "left", "已不在发文单位之下，此前未送达，不计入"
    RETURNED = "returned", "退回已经来文单位确认，只计入退回数"
    NOT_OWED = "not_owed", "发送时不在收文范围内，不计入"


class State(NamedTuple):
    """What a unit was until `until`; None: what it is."""

    since: datetime | None
    until: datetime | None
    parent_id: UUID | None
    path: str
    status: str


class TreeStep(NamedTuple):
    """One change of a unit, from one state to the next."""

    at: datetime
    kind: UnitChangeKind
    before: State | None
    after: State


def steps(states: Sequence[State], since: datetime, *, merged: bool) -> list[TreeStep]:
    """Return the changes after `since` of a unit with these states in their order.

    `merged`: what ended last was its merging into another unit. An earlier end, after which it was opened
    again, was none.
    """
    found: list[TreeStep] = []
    before: State | None = None
    closures = [
        after for first, after in pairwise(states) if first.status == UnitStatus.ACTIVE != after.status
    ]
    for state in states:
        if state.since is not None and state.since > since:
            into = merged and bool(closures) and state is closures[-1]
            found.append(TreeStep(state.since, _kind(before, state, merged=into), before, state))
        before = state
    return found


def _kind(before: State | None, after: State, *, merged: bool) -> UnitChangeKind:
    if before is None or (before.status != UnitStatus.ACTIVE and after.status == UnitStatus.ACTIVE):
        return UnitChangeKind.OPENED
    if after.status != before.status:
        return UnitChangeKind.MERGED if merged else UnitChangeKind.CLOSED
    if after.parent_id != before.parent_id:
        return UnitChangeKind.MOVED
    return UnitChangeKind.AMENDED if after.path == before.path else UnitChangeKind.MOVED_WITH
