"""Where a unit stands and has stood, which decides whose addresses reach it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
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


class At(NamedTuple):
    """Where a unit stood until `until`, without the units above it."""

    parent_id: UUID | None
    path: str
    until: datetime | None
    level: str
    kind: str
    stages: Sequence[str]


@dataclass(frozen=True)
class Standing:
    """A unit and its places, the oldest first and the present one last."""

    unit: Unit
    places: Sequence[Place]

    def since(self, time: datetime) -> Sequence[Place]:
        """Return the places where it has stood at or after `time`."""
        return [place for place in self.places if place.until is None or place.until > time]


def codes_above(places: Iterable[Sequence[At]]) -> list[str]:
    """Return the codes of all units above the places."""
    return sorted({code for all_ in places for place in all_ for code in place.path.split(".")[:-1]})


def standing(unit: Unit, places: Sequence[At], ids: Mapping[str, Sequence[UUID]]) -> Standing:
    """Return a unit with its places; `ids` are those of the units with the codes above them."""
    return Standing(
        unit,
        [
            Place(*place, tuple(one for code in place.path.split(".")[:-1] for one in ids.get(code, ())))
            for place in places
        ],
    )
