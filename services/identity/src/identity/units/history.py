"""Where a unit has stood in the authority tree, derived from its dated changes: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Place:
    """A unit's parent, path and status, and since when it has had them."""

    parent_id: UUID | None
    path: str
    status: str
    since: datetime

    def is_at(self, other: "Place") -> bool:
        """Whether both are the same place, whatever their dates."""
        return (self.parent_id, self.path, self.status) == (other.parent_id, other.path, other.status)


def places(states: Sequence[Place]) -> list[Place]:
    """Return the places a unit has had, from its states in the order of their versions.

    A later version that takes effect earlier (a correction) replaces what it dates back over. Changes of
    anything but the place, a rename for example, make no new place.
    """
    found: list[Place] = []
    for state in states:
        while found and found[-1].since >= state.since:
            found.pop()
        if not found or not found[-1].is_at(state):
            found.append(state)
    return found
