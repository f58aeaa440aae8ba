"""Errors of assignments."""

from servicekit.problems import Conflict, Problem


class NotColleague(Problem):
    """The person is not an active member of the unit."""

    status = 400
    code = "owner_not_in_unit"
    title = "承办人不在本单位"
    detail = "承办人须为本单位正常状态的人员。"


class DueAfterDeadline(Conflict):
    """The person would have longer than the unit itself."""

    code = "due_after_deadline"
    title = "承办期限晚于本单位期限"
    detail = "承办期限不得晚于来文要求的办理期限。"


class NotAssigned(Conflict):
    """Nobody handles the notice."""

    code = "not_assigned"
    title = "没有承办人"
    detail = "该通知没有正在承办的人员。"
