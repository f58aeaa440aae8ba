"""Workdays and calendar days in China: pure, no web and no database.

A rule states a period as `WorkDays(5)` or `CalendarDays(30)`; the two do not mix, and neither can be added
to a date directly. `Calendar.after(day, period)` counts, and marks a result that depends on a year whose
holidays the State Council has not published yet.
"""

from workdays.calendar import Calendar, Due, Year
from workdays.china import published_calendar
from workdays.periods import CalendarDays, WorkDays

__all__ = ["Calendar", "CalendarDays", "Due", "WorkDays", "Year", "published_calendar"]
