"""Budgets of reminders."""

from datetime import date

from sqlalchemy import Date, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base


class ReminderBudget(Base):
    """How many text messages of reminders a unit, or all units (`total`), got on a day (Beijing time).

    Deleted after 30 days.
    """

    __tablename__ = "reminder_budgets"

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    used: Mapped[int] = mapped_column(Integer)
