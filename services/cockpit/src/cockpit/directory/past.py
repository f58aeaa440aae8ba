"""What a unit was on a day: facts arrive long after the day they are about. Pure.

Days are those of Beijing. On the day of a change the unit is what it was before and what it became.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from cockpit.directory.models import FormerPlace, Unit
from contracts.vocabulary import UnitStatus

CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Stay:
    """What a unit was from one day to another, both included; None: since ever, or until now."""

    since: date | None
    until: date | None
    active: bool
    level: str
    kind: str

    def meets(self, first: date, last: date) -> bool:
        """Return whether any day from `first` to `last` is in it."""
        return (self.since is None or self.since <= last) and (self.until is None or first <= self.until)


@dataclass(frozen=True)
class Past:
    """The stays of a unit, in order. `begun` is the day from which Identity knows it, None if unknown."""

    stays: tuple[Stay, ...]
    begun: date | None

    @property
    def constant(self) -> bool:
        """Return whether it has always been active, of one level and kind."""
        return all(stay.active for stay in self.stays) and len({(s.level, s.kind) for s in self.stays}) == 1

    def closed(self, first: date, last: date) -> date | None:
        """Return since when the unit was closed if it was on every day from `first` to `last`, else None.

        Before Identity knew it, it counts as active.
        """
        met = [stay for stay in self.stays if stay.meets(first, last)]
        if not met or any(stay.active for stay in met):
            return None
        return met[0].since

    def during(self, first: date, last: date) -> list[Stay]:
        """Return what it was on the days from `first` to `last`, while it was active."""
        return [stay for stay in self.stays if stay.active and stay.meets(first, last)]


def past_of(unit: Unit, former: Sequence[FormerPlace]) -> Past:
    """Return the past of a unit from its former places."""
    ordered = sorted(former, key=lambda place: place.valid_from)
    stays = [
        Stay(
            _day(place.valid_from) if number else None,
            _day(place.valid_to),
            place.status == UnitStatus.ACTIVE,
            place.level or unit.level,
            place.kind or unit.kind,
        )
        for number, place in enumerate(ordered)
    ]
    since = _day(unit.placed_at) if unit.placed_at is not None else None
    active = unit.status == UnitStatus.ACTIVE
    # Closed with no word about when: it cannot be said what it was on a day.
    if not active and since is None:
        active = True
    if not active and not stays:
        stays.append(Stay(None, since, True, unit.level, unit.kind))
    stays.append(Stay(since if stays else None, None, active, unit.level, unit.kind))
    return Past(tuple(stays), _day(ordered[0].valid_from) if ordered else since)


def _day(moment: datetime) -> date:
    return moment.astimezone(CHINA).date()
