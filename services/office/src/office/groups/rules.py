"""Limits of groups and favourites."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

MAX_MEMBERS: Final = 1000
"""Of one group."""
MAX_GROUPS: Final = 100
"""Of one person in a unit, and shared groups of a unit."""
MAX_FAVOURITES: Final = 200
"""Of one person in a unit."""


@dataclass(frozen=True)
class Pick:
    """A unit, or with `sub` a person in it."""

    unit_id: UUID
    sub: UUID | None = None


@dataclass(frozen=True)
class Part:
    """What of a notice is wanted: the subtree of `under` (None: of the own unit), and with `group` only the
    units in a group of the actor's address book.
    """

    under: UUID | None = None
    group: UUID | None = None
