"""Errors of reminders."""

from servicekit.problems import Conflict


class AlreadyReminding(Conflict):
    """A run for the same notice and unit has not ended."""

    code = "already_reminding"
    title = "正在催办"
    detail = "对该通知的催办正在进行，请等待完成。"
