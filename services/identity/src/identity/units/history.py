"""Dated places of a unit in the authority tree, derived from its changes. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Place:
    """A unit's parent, path, status, attributes and name, and the date from which they apply."""

    parent_id: UUID | None
    path: str
    status: str
    since: datetime
    name: str = ""
    level: str | None = None
    kind: str | None = None
    stages: tuple[str, ...] = ()
    """With level and kind what decides, beside the place, which notices a unit receives; sorted."""

    def is_at(self, other: "Place") -> bool:
        """Return whether both are the same place and attributes, regardless of their dates and names."""
        return replace(self, since=other.since, name=other.name) == other


def places(states: Sequence[Place]) -> list[Place]:
    """Return the places of a unit, from its states in the order of their versions.

    A later version that takes effect earlier (a correction) replaces the states after its date. A change of
    level, kind or stages adds a place, a rename for example does not.
    """
    return _distinct(states, Place.is_at)


def names(states: Sequence[Place]) -> list[Place]:
    """Return the first state with each name of a unit, in the same way."""
    return _distinct(states, lambda one, other: one.name == other.name)


def _distinct(states: Sequence[Place], same: Callable[[Place, Place], bool]) -> list[Place]:
    found: list[Place] = []
    for state in states:
        while found and found[-1].since >= state.since:
            found.pop()
        if not found or not same(found[-1], state):
            found.append(state)
    return found
