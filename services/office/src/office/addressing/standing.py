"""Where a unit stands and has stood, which decides whose addresses reach it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from office.directory.models import Unit


@dataclass(frozen=True)
class Place:
    """Where a unit stood until `until` (None: stands): its parent, its path, its attributes then, and all
    units above it.
    """

    parent_id: UUID | None
    path: str
    until: datetime | None
    level: str
    kind: str
    stages: Sequence[str]
    above: tuple[UUID, ...]


@dataclass(frozen=True)
class Standing:
    """A unit and its places, the oldest first and the present one last."""

    unit: Unit
    places: Sequence[Place]

    def since(self, time: datetime) -> Sequence[Place]:
        """Return the places where it has stood at or after `time`."""
        return [place for place in self.places if place.until is None or place.until > time]
