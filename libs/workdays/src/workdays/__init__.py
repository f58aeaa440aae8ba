"""Workdays and calendar days in China, without dependencies on web or database.

A rule defines a period as `WorkDays(5)` or `CalendarDays(30)`; the two cannot be mixed or added to a date
directly. `Calendar.after(day, period)` returns the due day, and marks a result that depends on a year whose
holidays the State Council has not published yet.
"""

from workdays.calendar import Calendar, Due, Year
from workdays.china import published_calendar
from workdays.periods import CalendarDays, WorkDays

__all__ = ["Calendar", "CalendarDays", "Due", "WorkDays", "Year", "published_calendar"]
