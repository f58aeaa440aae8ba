"""When units were closed, as a query compares it with the days of facts. Pure."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from cockpit.directory.past import Past

EVER = date(2149, 6, 6)
CLOSED_STAYS = 2_000
"""Closed stays of units of one query."""


@dataclass
class Closures:
    """The closed stays of units, in the order of their codes: code, the day of closure, that of opening
    again.
    """

    codes: list[str] = field(default_factory=list)
    since: list[date] = field(default_factory=list)
    until: list[date] = field(default_factory=list)

    @classmethod
    def of(cls, pasts: Mapping[str, Past]) -> "Closures":
        """Return the closed stays of some units."""
        found = cls()
        for code, past in sorted(pasts.items()):
            for stay in past.stays:
                if not stay.active and stay.since is not None:
                    found.codes.append(code)
                    found.since.append(stay.since)
                    found.until.append(stay.until or EVER)
        return found

    def parts(self) -> list["Closures"]:
        """Return them for one query each; all stays of a unit are in the same one."""
        starts = [0]
        for place in range(1, len(self.codes)):
            if place - starts[-1] >= CLOSED_STAYS and self.codes[place] != self.codes[place - 1]:
                starts.append(place)
        cuts = [*starts, len(self.codes)]
        return [
            Closures(self.codes[a:b], self.since[a:b], self.until[a:b])
            for a, b in itertools.pairwise(cuts)
            if a < b
        ]
