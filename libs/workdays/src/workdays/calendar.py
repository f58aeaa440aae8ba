"""The calendar of workdays, and calculations with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from workdays.periods import CalendarDays, WorkDays

_DAY = timedelta(days=1)
_SATURDAY = 5
# The notice for a year may change the last days of the previous December: the notice for 2019 made
# Saturday 29 December 2018 a workday. These days are final only when the next year is published.
_MOVABLE_FROM = (12, 28)


@dataclass(frozen=True)
class Year:
    """The holidays of one year, as differences from Monday to Friday."""

    number: int
    published: bool
    """Whether the State Council has published it. If not, every Monday to Friday counts as a workday."""
    off: frozenset[date] = frozenset()
    """Days from Monday to Friday that are holidays."""
    worked: frozenset[date] = frozenset()
    """Saturdays and Sundays that are make-up workdays (调休)."""

    def __post_init__(self) -> None:
        if any(day.year != self.number for day in self.off | self.worked):
            raise ValueError(f"a day of another year in {self.number}")


@dataclass(frozen=True)
class Due:
    """A calculated day, and the unpublished years that the calculation depends on."""

    day: date
    unpublished: tuple[int, ...] = ()

    @property
    def provisional(self) -> bool:
        """Return whether the day must be recalculated when the years in `unpublished` are published."""
        return bool(self.unpublished)


@dataclass(frozen=True)
class Calendar:
    """A calendar of years. Any other year counts as unpublished."""

    years: Mapping[int, Year] = field(default_factory=dict)

    @classmethod
    def of(cls, years: Iterable[Year]) -> "Calendar":
        """Create the calendar of these years."""
        return cls({year.number: year for year in years})

    def published(self, year: int) -> bool:
        """Return whether the holidays of `year` have been published."""
        known = self.years.get(year)
        return known is not None and known.published

    def is_workday(self, day: date) -> bool:
        """Return whether `day` is a workday, including 调休; in an unpublished year, Monday to Friday."""
        year = self.years.get(day.year)
        if year is not None and day in year.off:
            return False
        return day.weekday() < _SATURDAY or (year is not None and day in year.worked)

    def after(self, start: date, period: WorkDays | CalendarDays) -> Due:
        """Return the day that is `period` after `start`; `start` does not count.

        Raises OverflowError if the result is after the year 9999.
        """
        if isinstance(period, CalendarDays):
            return Due(start + _DAY * period.count)
        day, left, unpublished = start, period.count, set[int]()
        while left > 0:
            day += _DAY
            unpublished.update(self._unsettled(day))
            left -= self.is_workday(day)
        return Due(day, tuple(sorted(unpublished)))

    def workdays_between(self, start: date, end: date) -> WorkDays:
        """Return the workdays after `start` up to and including `end`; none if `end` is not after `start`."""
        days = (start + _DAY * number for number in range(1, (end - start).days + 1))
        return WorkDays(sum(map(self.is_workday, days)))

    def settles(self, due: Due) -> bool:
        """Return whether all years that `due` depends on have been published, so it must be recalculated."""
        return due.provisional and all(map(self.published, due.unpublished))

    def _unsettled(self, day: date) -> Iterable[int]:
        if not self.published(day.year):
            yield day.year
        if (day.month, day.day) >= _MOVABLE_FROM and not self.published(day.year + 1):
            yield day.year + 1
