"""Which tasks a person sees, and in which order. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from contracts.documents import Urgency
from contracts.vocabulary import Vocabulary


@dataclass(frozen=True)
class Place:
    """A unit that a person belongs to, and what they may do there."""

    unit_id: UUID
    holds: frozenset[str]
    """Permissions and roles."""


@dataclass(frozen=True)
class Me:
    """A person, the unit that the token acts for, and all units that the person belongs to."""

    sub: UUID
    acting: UUID
    places: tuple[Place, ...]

    def place(self, unit_id: UUID) -> Place | None:
        """Return the person's place in a unit; None if they do not belong to it."""
        return next((place for place in self.places if place.unit_id == unit_id), None)


class View(Vocabulary):
    """The lists of a person."""

    OPEN = "open", "待办：本人的，以及所在单位无人领取的"
    MINE = "mine", "本人领取和指派给本人的"
    UNIT = "unit", "所在单位的全部待办，包括同事领取的"
    OVERDUE = "overdue", "已逾期的待办"
    DONE = "done", "已办"
    WITHDRAWN = "withdrawn", "已撤回"
    CREATED = "created", "我发起的"


class Sort(Vocabulary):
    """The orders of a list; what has ended is always listed by its end, latest first."""

    NEWEST = "newest", "从新到旧"
    DEADLINE = "deadline", "截止时间从早到晚"
    URGENCY = "urgency", "从急到缓"


class Act(Vocabulary):
    """What a person may do with a task now."""

    TAKE = "take", "领取"
    RELEASE = "release", "放回"
    DELEGATE = "delegate", "转交"
    DONE = "done", "标记办结"


CLOSED: Final = (View.DONE, View.WITHDRAWN)
NEVER: Final = datetime(3000, 1, 1, tzinfo=UTC)
"""Sorts tasks without a deadline behind all others."""


@dataclass(frozen=True)
class Filters:
    """What a list is restricted to; None and empty restrict nothing."""

    kinds: tuple[str, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    unit_id: UUID | None = None
    due_from: datetime | None = None
    due_until: datetime | None = None
    words: str | None = None


def places(acting: Place, memberships: Iterable[Place]) -> tuple[Place, ...]:
    """Return the places of a person, the one that the token acts for first and with what the token allows."""
    return (acting, *(place for place in memberships if place.unit_id != acting.unit_id))
