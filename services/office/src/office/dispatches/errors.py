"""Errors of dispatches."""

from servicekit.problems import Conflict


class AlreadyForwarded(Conflict):
    """The unit has addressed every one of these recipients before; publishing counts as a dispatch."""

    code = "already_forwarded"
    title = "已经转发"
    detail = "本单位已将该通知发给这些下级单位。"
