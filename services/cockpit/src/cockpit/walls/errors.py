"""Errors of wall displays."""

from servicekit.problems import Conflict, NotFound, Problem


class WallRefused(Problem):
    """The token is of a wall display that is unknown, stopped, expired, or of another unit."""

    status = 403
    code = "wall_refused"
    title = "大屏未获准"
    detail = "该大屏尚未登记、已停用，或批准人已不在该单位。请在大屏上重新申请设备代码。"


class WallNotFound(NotFound):
    """There is no such wall display in the caller's subtree."""

    code = "wall_not_found"
    title = "大屏不存在"
    detail = "没有这个大屏。"


class WallEnded(Conflict):
    """The wall display has already been stopped."""

    code = "wall_ended"
    title = "大屏已停用"
    detail = "该大屏已经停用。"
