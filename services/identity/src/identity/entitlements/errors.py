"""Errors of entitlements."""

from servicekit.problems import Forbidden, NotFound, Problem


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
