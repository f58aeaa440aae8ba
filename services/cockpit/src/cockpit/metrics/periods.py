"""Periods of the calendars, and which ones are compared. Pure functions.

`year` and `school_year` are named by the year in which they begin, terms `2024-spring`, `2024-autumn`, and
`2024-year` for what is granted for a whole year, months `2024-03`.
"""

import re
from collections.abc import Mapping

from cockpit.cells.dimensions import Calendar
from cockpit.feeds.values import TERMS
from contracts.vocabulary import Vocabulary

_FORMS: Mapping[Calendar, re.Pattern[str]] = {
    Calendar.YEAR: re.compile(r"20[0-9]{2}"),
    Calendar.SCHOOL_YEAR: re.compile(r"20[0-9]{2}"),
    Calendar.TERM: re.compile(rf"20[0-9]{{2}}-({'|'.join(TERMS)})"),
    Calendar.MONTH: re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])"),
}
_PLACES = {"": 0, "spring": 1, "autumn": 2, "year": 3}


class Comparison(Vocabulary):
    """What a figure can be set against."""

    YEAR_ON_YEAR = "year_on_year", "同比"
    PREVIOUS_PERIOD = "previous_period", "环比"
    CUMULATIVE = "cumulative", "累计"
    SHARE = "share", "占比"


GROWTHS = (Comparison.YEAR_ON_YEAR, Comparison.PREVIOUS_PERIOD)
"""Changes against another period."""


def valid(calendar: Calendar, period: str) -> bool:
    """Return whether a text names a period of the calendar."""
    return _FORMS[calendar].fullmatch(period) is not None


def order(period: str) -> tuple[str, int]:
    """Return the place of a period in time: spring before autumn; grants for a whole year come last."""
    year, _, part = period.partition("-")
    return year, int(part) if part.isdigit() else _PLACES[part]


def years_before(period: str, count: int = 1) -> str:
    """Return the same period some years before."""
    year, dash, part = period.partition("-")
    return f"{int(year) - count}{dash}{part}"


def previous(calendar: Calendar, period: str) -> str | None:
    """Return the period just before, of terms and months; None if there is none.

    The period before a year is the year before, so 环比 of years would repeat 同比. Grants for a whole year
    are not preceded by a term.
    """
    year, _, part = period.partition("-")
    if calendar is Calendar.MONTH:
        return f"{int(year) - 1}-12" if part == "01" else f"{year}-{int(part) - 1:02d}"
    if calendar is not Calendar.TERM or part == "year":
        return None
    return f"{int(year) - 1}-autumn" if part == "spring" else f"{year}-spring"


def base(calendar: Calendar, period: str, comparison: Comparison) -> str | None:
    """Return the period that a comparison by growth is made with."""
    if comparison is Comparison.PREVIOUS_PERIOD:
        return previous(calendar, period)
    return years_before(period)


def title(calendar: Calendar, period: str) -> str:
    """Return the Chinese name: `2024年`, `2024—2025学年`, `2024年春季学期`, `2024年3月`."""
    year, _, part = period.partition("-")
    if calendar is Calendar.SCHOOL_YEAR:
        return f"{year}—{int(year) + 1}学年"
    if calendar is Calendar.TERM:
        return f"{year}年{TERMS[part]}" + ("" if part == "year" else "学期")
    return f"{year}年{int(part)}月" if calendar is Calendar.MONTH else f"{year}年"
