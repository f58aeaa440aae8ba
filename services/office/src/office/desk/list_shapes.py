"""What the statement of a list depends on, and the parameters of the statements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from office.addressing.standing import Standing
from office.desk.rules import CLOSED, Filters, Me, Sort, View
from office.tasks.predicates import above_values
from office.tasks.rules import pairs

MAX_WORDS: Final = 4
BETWEEN: Final = ","
"""Between what is held in one place, which are one parameter."""


@dataclass(frozen=True)
class Shape:
    """What makes the statement of a list another one; `after`: it begins after the line of a cursor.

    Whatever is filtered by, it is one statement: a connection keeps each that it has run.
    """

    view: View
    sort: Sort
    after: bool = False
    filtered: bool = False

    @classmethod
    def of(cls, view: View, sort: Sort, filters: Filters, *, after: bool) -> "Shape":
        """Return the shape of a list."""
        return cls(
            view=view,
            sort=Sort.NEWEST if view in CLOSED else sort,
            after=after,
            filtered=filters != Filters(),
        )

    @property
    def newest_first(self) -> bool:
        """Whether its order is descending."""
        return self.sort is Sort.NEWEST

    @property
    def paged(self) -> bool:
        """Whether each branch has an index in the order of the list."""
        return self.view in CLOSED or (self.view is View.CREATED and self.newest_first)


def values_of(me: Me, standings: Mapping[UUID, Standing], filters: Filters, now: datetime) -> dict[str, Any]:
    """Return the parameters of the statements for a person."""
    places = [place for place in me.places if filters.unit_id in (None, place.unit_id)]
    values: dict[str, Any] = {
        "me": me.sub,
        "now": now,
        "place_unit": [place.unit_id for place in places],
        "place_holds": [BETWEEN.join(sorted(place.holds)) for place in places],
        "only_unit": filters.unit_id,
        "kinds": list(filters.kinds),
        "urgencies": [urgency.value for urgency in filters.urgencies],
        "due_from": filters.due_from,
        "due_until": filters.due_until,
        "pairs": pairs(filters.words or ""),
        "words": [_pattern(word) for word in _words(filters)],
    }
    values |= above_values(standings[place.unit_id] for place in places if place.unit_id in standings)
    return values


def cursor_values(after: Iterable[Any]) -> dict[str, Any]:
    """Return the parameters for the line after which a page begins."""
    return {f"after_{number}": part for number, part in enumerate(after)}


def _words(filters: Filters) -> list[str]:
    return [] if filters.words is None else filters.words.split()[:MAX_WORDS]


def _pattern(word: str) -> str:
    for special in "\\%_":
        word = word.replace(special, f"\\{special}")
    return f"%{word}%"
