"""Deadlines of requests to join."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from workdays import Calendar, WorkDays

UNANSWERED = WorkDays(5)
"""After this the administrators of the next level above are asked, too."""
LIFETIME = timedelta(days=90)

_SHANGHAI = ZoneInfo("Asia/Shanghai")


def escalates_at(asked: datetime, calendar: Calendar) -> datetime:
    """Return the end of the fifth workday after the day on which a unit's administrators were asked."""
    day = calendar.after(asked.astimezone(_SHANGHAI).date(), UNANSWERED).day
    return datetime.combine(day + timedelta(days=1), time(), _SHANGHAI)
