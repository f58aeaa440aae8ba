"""Errors of entitlements."""

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


class NotEligible(Forbidden):
    """The person's unit is not eligible for the entitlement."""

    code = "not_eligible"
    title = "不符合授权条件"
    detail = "只有部、省、市、县四级学生资助管理部门的人员可以获得驾驶舱授权。"


class UnknownEntitlement(Problem):
    """The system is unknown."""

    status = 400
    code = "unknown_entitlement"
    title = "授权项目不存在"
    detail = "所指定的授权项目不存在。"


class EntitlementNotFound(NotFound):
    """The person does not have the entitlement."""

    code = "entitlement_not_found"
    title = "未持有该授权"
    detail = "该人员未持有此项授权。"


class EntitlementRequestNotFound(NotFound):
    """The request does not exist."""

    code = "entitlement_request_not_found"
    title = "授权申请不存在"
    detail = "所指定的授权申请不存在。"


class EntitlementRequestDecided(Conflict):
    """The request was already decided."""

    code = "entitlement_request_decided"
    title = "授权申请已处理"
    detail = "该授权申请已处理，请刷新后查看结果。"


class EntitlementRequested(Conflict):
    """There is an undecided request."""

    code = "entitlement_requested"
    title = "授权申请待审批"
    detail = "该人员已有一项授权申请等待审批。"


class AlreadyEntitled(Conflict):
    """The person has the entitlement."""

    code = "already_entitled"
    title = "已持有该授权"
    detail = "该人员已持有此项授权。"


class ReviewedAbove(Forbidden):
    """The unit that benefits does not review its own people's entitlements."""

    code = "reviewed_above"
    title = "须由上级单位复核"
    detail = "系统授权由上一级单位的管理员复核；部级单位的由平台安全管理员复核。"


class OneLevelAbove(Forbidden):
    """Requests are decided by a unit above, or by the ministry's own for its people."""

    code = "one_level_above"
    title = "须由上级单位审批"
    detail = "授权申请由上一级单位的管理员审批；本级只有部级单位可以自行审批。"
