"""Errors of changes of a unit's people."""

from servicekit.problems import Conflict, Problem


class AlreadyLeaving(Conflict):
    """The person's hand-over is under way."""

    code = "already_leaving"
    title = "正在办理离开手续"
    detail = "该人员正在办理离开手续，工作交接完成后自动离开。"


class BadSuccessor(Problem):
    """The successor is not another member of the unit."""

    status = 400
    code = "bad_successor"
    title = "接手人不正确"
    detail = "工作只能交接给本单位的其他人员。"
