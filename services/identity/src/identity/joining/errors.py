"""Errors of requests to join."""

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


class JoinRequestNotFound(NotFound):
    """The request does not exist."""

    code = "join_request_not_found"
    title = "申请不存在"
    detail = "所指定的加入申请不存在。"


class JoinRequestDecided(Conflict):
    """The request was already decided."""

    code = "join_request_decided"
    title = "申请已处理"
    detail = "该申请已由本人或其他管理员处理，请刷新后查看结果。"


class AlreadyRequested(Conflict):
    """The person already has a pending request."""

    code = "already_requested"
    title = "申请待审核"
    detail = "您已有一项加入申请正在等待审核。"


class OneWayToJoin(Problem):
    """Neither an invite code nor a unit is named, or both."""

    status = 400
    code = "one_way_to_join"
    title = "请选择加入方式"
    detail = "请填写邀请码，或选择单位，两者只能选一项。"


class NotYourRequest(Forbidden):
    """Only the applicant can withdraw a request."""

    code = "not_your_request"
    title = "不是本人的申请"
    detail = "只能撤回自己提交的申请。"


class OwnRequest(Forbidden):
    """Nobody can approve their own request."""

    code = "own_request"
    title = "不能审核本人申请"
    detail = "不能审核自己的申请。"
