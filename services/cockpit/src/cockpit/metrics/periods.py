"""Periods of the calendars, and which ones are compared. Pure functions.

`year` and `school_year` are named by the year in which they begin, terms `2024-spring`, `2024-autumn`, and
`2024-year` for what is granted for a whole year.
"""

import re

from cockpit.cells.rules import TERMS, Calendar
from cockpit.feeds.values import TERMS as TERM_WORDS
from contracts.vocabulary import Vocabulary

_YEAR = re.compile(r"20[0-9]{2}")
_TERM = re.compile(rf"(20[0-9]{{2}})-({'|'.join(TERMS)})")


class Comparison(Vocabulary):
    """What a figure can be set against."""

    YEAR_ON_YEAR = "year_on_year", "同比"
    PREVIOUS_PERIOD = "previous_period", "环比"
    CUMULATIVE = "cumulative", "累计"
    SHARE = "share", "占比"


def valid(calendar: Calendar, period: str) -> bool:
    """Return whether a text names a period of the calendar."""
    return (_TERM if calendar is Calendar.TERM else _YEAR).fullmatch(period) is not None


def order(period: str) -> tuple[str, int]:
    """Return the place of a period in time: spring before autumn; grants for a whole year come last."""
    year, _, term = period.partition("-")
    return year, ("", "spring", "autumn", "year").index(term)


def year_before(period: str) -> str:
    """Return the same period of the year before."""
    year, dash, term = period.partition("-")
    return f"{int(year) - 1}{dash}{term}"


def previous(calendar: Calendar, period: str) -> str | None:
    """Return the period just before, of terms only; None if there is none.

    The period before a year is the year before, so 环比 of years would repeat 同比. Grants for a whole year
    are not preceded by a term.
    """
    if calendar is not Calendar.TERM:
        return None
    year, _, term = period.partition("-")
    if term == "spring":
        return f"{int(year) - 1}-autumn"
    return f"{year}-spring" if term == "autumn" else None


def base(calendar: Calendar, period: str, comparison: Comparison) -> str | None:
    """Return the period that a comparison by growth is made with."""
    return previous(calendar, period) if comparison is Comparison.PREVIOUS_PERIOD else year_before(period)


def title(calendar: Calendar, period: str) -> str:
    """Return the Chinese name: `2024年`, `2024—2025学年`, `2024年春季学期`."""
    year, _, term = period.partition("-")
    if calendar is Calendar.SCHOOL_YEAR:
        return f"{year}—{int(year) + 1}学年"
    if calendar is Calendar.TERM:
        return f"{year}年{TERM_WORDS[term]}" + ("" if term == "year" else "学期")
    return f"{year}年"
