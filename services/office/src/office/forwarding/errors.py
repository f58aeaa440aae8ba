"""Errors of forwardings."""

from servicekit.problems import Conflict


class DeadlineAfterParents(Conflict):
    """The deadline of a forwarding must not be later than the parent's."""

    code = "deadline_after_parents"
    title = "办理期限晚于上级要求"
    detail = "转发时的办理期限不得晚于上级单位要求的期限。"
