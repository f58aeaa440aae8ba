"""Errors of delegations."""

from servicekit.problems import Forbidden, NotFound, Problem


class BadPeriod(Problem):
    """The period has passed, is empty, or is too long."""

    status = 400
    code = "bad_period"
    title = "委托期限不正确"
    detail = "委托须从现在或以后开始，截止时间晚于开始时间，且最长 180 天。"


class RoleNotHeld(Forbidden):
    """The delegator does not hold the role in this unit."""

    code = "role_not_held"
    title = "不具备该角色"
    detail = "只能委托自己在该单位具备的角色；受委托得来的角色不能再委托。"


class DelegateNotMember(Problem):
    """The delegate does not belong to the unit."""

    status = 400
    code = "delegate_not_member"
    title = "受托人不在本单位"
    detail = "只能委托给本单位的其他人员。"


class DelegationNotFound(NotFound):
    """The delegation does not exist, or is not the caller's."""

    code = "delegation_not_found"
    title = "委托不存在"
    detail = "所指定的委托不存在。"
