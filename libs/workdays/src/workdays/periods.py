"""Periods of time, counted in workdays (工作日) or in calendar days (自然日)."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class WorkDays:
    """A number of workdays, 0 or more."""

    count: int

    def __post_init__(self) -> None:
        _check(self.count)

    def __add__(self, other: "WorkDays") -> "WorkDays":
        return WorkDays(self.count + other.count) if isinstance(other, WorkDays) else NotImplemented


@dataclass(frozen=True, order=True)
class CalendarDays:
    """A number of calendar days, 0 or more."""

    count: int

    def __post_init__(self) -> None:
        _check(self.count)

    def __add__(self, other: "CalendarDays") -> "CalendarDays":
        return CalendarDays(self.count + other.count) if isinstance(other, CalendarDays) else NotImplemented


def _check(count: int) -> None:
    if count < 0:
        raise ValueError("a period is not negative")
