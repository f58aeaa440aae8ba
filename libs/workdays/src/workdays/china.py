"""The published calendar of China from the package `chinesecalendar`."""

from functools import cache

from chinese_calendar import constants

from workdays.calendar import Calendar, Year


@cache
def published_calendar() -> Calendar:
    """Return the years published by the State Council when the installed `chinesecalendar` was released."""
    numbers = {day.year for day in constants.holidays}
    return Calendar.of(
        Year(
            number,
            published=True,
            off=frozenset(day for day in constants.holidays if day.year == number and day.weekday() < 5),
            worked=frozenset(day for day in constants.workdays if day.year == number),
        )
        for number in numbers
    )
