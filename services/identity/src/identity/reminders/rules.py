"""Texts of reminders. Pure functions."""

from datetime import datetime
from typing import Final

from contracts.vocabulary import ReminderReason
from servicekit.clock import SHANGHAI

PER_UNIT_AT_ONCE: Final = 2
"""Administrators of a unit who get the same reminder."""

_TITLE: Final = 30


def text_of(reason: str, title: str, deadline: datetime | None) -> str:
    """Return the text of a reminder of a notice; an unknown reason is said in general words."""
    name = title if len(title) <= _TITLE else f"{title[:_TITLE]}…"
    until = "" if deadline is None else f"，截止{deadline.astimezone(SHANGHAI):%m月%d日}"
    wanted = {
        ReminderReason.UNSIGNED: f"您单位尚未签收通知《{name}》{until}，请登录办公系统签收。",
        ReminderReason.BLOCKING: f"您单位尚未转发通知《{name}》{until}，下级收不到，请登录办公系统转发。",
    }
    general = f"请登录办公系统办理通知《{name}》{until}。"
    return "【学生资助】" + next((said for known, said in wanted.items() if known == reason), general)
