"""Errors of requests to join."""

from servicekit.problems import Conflict, Forbidden, NotFound


class JoinRequestNotFound(NotFound):
    """The request does not exist."""

    code = "join_request_not_found"
    title = "申请不存在"
    detail = "所指定的加入申请不存在。"


class JoinRequestDecided(Conflict):
    """The request was already decided."""

    code = "join_request_decided"
    title = "申请已处理"
    detail = "该申请已处理，不能再次审核。"


class AlreadyRequested(Conflict):
    """The person already has a pending request."""

    code = "already_requested"
    title = "申请待审核"
    detail = "您已有一项加入申请正在等待审核。"


class OwnRequest(Forbidden):
    """Nobody can approve their own request."""

    code = "own_request"
    title = "不能审核本人申请"
    detail = "不能审核自己的申请。"
