"""Identifiers of events. Pure functions."""

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

_ID = re.compile(r"(\d{1,18})-([0-9a-f]{12})")


@dataclass(frozen=True)
class Reader:
    """Whose events they are: ids of one person mean nothing for another, nor in another installation."""

    tag: str

    @classmethod
    def of(cls, epoch: UUID, sub: UUID) -> "Reader":
        """Return the reader `sub` of the feed that began with `epoch`."""
        return cls(hashlib.sha256(epoch.bytes + sub.bytes).hexdigest()[:12])

    def id_of(self, position: int) -> str:
        """Return the id of the event at `position`."""
        return f"{position}-{self.tag}"

    def position_of(self, id_: str) -> int | None:
        """Return the position of an id of this reader; None for any other text."""
        match = _ID.fullmatch(id_)
        return int(match[1]) if match is not None and match[2] == self.tag else None
