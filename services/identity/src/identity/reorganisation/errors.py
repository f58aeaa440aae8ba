"""Errors of changes of the authority tree."""

from servicekit.problems import NotFound


class EndingNotFound(NotFound):
    """The unit has not been closed or merged, or was so before endings were recorded."""

    code = "unit_ending_not_found"
    title = "没有撤销或并入的记录"
    detail = "该单位没有撤销，或在系统记录办理进度之前已经撤销。"
