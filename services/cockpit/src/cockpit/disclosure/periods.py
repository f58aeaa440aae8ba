"""Which periods are decided together: a year with its parts, and the school years that overlap it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cockpit.cells.dimensions import Calendar, CellFeed
from cockpit.disclosure.tables import Combination, Part, Persons, Place

_TERMS = ("spring", "autumn", "year")


@dataclass
class Read:
    """The cells of a place in some periods, of all places where facts found it and in both trees."""

    persons: dict[tuple[Part, Combination], list[int]] = field(default_factory=dict)
    times: dict[tuple[Part, Combination], int] = field(default_factory=dict)
    """Of the authority tree alone."""


@dataclass(frozen=True)
class Family:
    """A year of the feed's base calendar (the calendar year, or the school year if it has no other)."""

    calendar: Calendar
    year: int
    inside: tuple[Part, ...]
    overlapping: tuple[Part, ...]

    @property
    def periods(self) -> list[Part]:
        """Return all periods of the family."""
        return [(self.calendar.value, str(self.year)), *self.inside, *self.overlapping]

    def place(self, read: Read) -> Place:
        """Return a place of the table from its cells."""
        whole: dict[Combination, Persons] = {}
        parts: dict[Combination, dict[Part, Persons]] = {}
        overlaps: dict[Combination, dict[Part, Persons]] = {}
        inside = frozenset(self.inside)
        for (period, combination), persons in read.persons.items():
            # A cell with facts taken back has no persons, and nothing to hide.
            found = tuple(count for count in persons if count > 0)
            if not found:
                continue
            if period[0] == self.calendar.value:
                whole[combination] = found
            elif period in inside:
                parts.setdefault(combination, {})[period] = found
            else:
                overlaps.setdefault(combination, {})[period] = found
        return Place(whole, parts, overlaps)


def families(feed: CellFeed, calendar: Calendar, period: str) -> Iterable[tuple[Family, bool]]:
    """Yield the families that decide about a period, and whether it is a part (or an overlap) in it."""
    year = int(period[:4])
    base = Calendar.YEAR if Calendar.YEAR in feed.periods else Calendar.SCHOOL_YEAR
    part = calendar is not base
    years = (year, year + 1) if calendar is Calendar.SCHOOL_YEAR and part else (year,)
    for one in years:
        yield _family(feed, base, one), part


def _family(feed: CellFeed, base: Calendar, year: int) -> Family:
    inside: list[Part] = []
    if Calendar.TERM in feed.periods:
        inside += [(Calendar.TERM.value, f"{year}-{term}") for term in _TERMS]
    if Calendar.MONTH in feed.periods:
        inside += [(Calendar.MONTH.value, f"{year}-{month:02d}") for month in range(1, 13)]
    overlapping: list[Part] = []
    if base is Calendar.YEAR and Calendar.SCHOOL_YEAR in feed.periods:
        overlapping = [(Calendar.SCHOOL_YEAR.value, str(one)) for one in (year - 1, year)]
    return Family(base, year, tuple(inside), tuple(overlapping))
