"""Deadlines of requests to join."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from servicekit.clock import SHANGHAI
from workdays import Calendar, WorkDays

UNANSWERED = WorkDays(5)
"""After this the administrators of the next level above are asked, too."""
LIFETIME = timedelta(days=90)


@dataclass(frozen=True)
class Deadline:
    """When the administrators above are asked. `provisional`: the workdays of a year it depends on are not
    published yet.
    """

    asked: datetime
    at: datetime
    provisional: bool

    @classmethod
    def of(cls, asked: datetime, calendar: Calendar) -> "Deadline":
        """Return the end of the fifth workday after the day on which a unit's administrators were asked."""
        due = calendar.after(asked.astimezone(SHANGHAI).date(), UNANSWERED)
        end = datetime.combine(due.day + timedelta(days=1), time(), SHANGHAI)
        return cls(asked, end, due.provisional)
