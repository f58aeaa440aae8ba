"""Limits of exports and closings, and what remains of a closed account. Pure."""

from datetime import timedelta

GRACE = timedelta(days=15)
"""Between the request to close an account and its end; it can be cancelled until then."""
EXPORT_KEPT = timedelta(days=7)
EXPORT_AGAIN = timedelta(hours=24)
EXPORT_TAKES = timedelta(hours=1)
"""An export that is not made by then has failed and does not stand against another one."""
MOST_ROWS = 5_000
"""Rows of one section of an export."""
CLOSED_NAME = "已注销用户"
ERASED_AT_ONCE = 1_000


def requested_text(due: str) -> str:
    """Return the message about a request to close an account."""
    return f"【学生资助】您已申请注销账号，将于 {due} 注销。如需保留，请在此之前登录取消。"


CANCELLED = "【学生资助】您的注销申请已取消，账号可以继续使用。"
CLOSED = "【学生资助】您的账号已注销，个人信息已删除。"
