"""Errors of appointing and dismissing the platform's administrators."""

from servicekit.problems import Conflict, NotFound, Problem


class ProposalNotFound(NotFound):
    """The proposal does not exist."""

    code = "proposal_not_found"
    title = "任免提议不存在"
    detail = "所指定的任免提议不存在。"


class ProposalDecided(Conflict):
    """The proposal was already decided."""

    code = "proposal_decided"
    title = "任免提议已处理"
    detail = "该任免提议已处理，不能再次处理。"


class ProposalPending(Conflict):
    """There is an undecided proposal about the person."""

    code = "proposal_pending"
    title = "已有待确认的提议"
    detail = "该人员已有一项任免提议等待确认。"


class BelongsToUnit(Conflict):
    """The person belongs to a unit, or has asked to join one: a platform administrator has no unit."""

    code = "belongs_to_unit"
    title = "该人员属于单位"
    detail = (
        "三员分立：平台管理员不得属于任何单位。该人员尚属于单位或有待审核的加入申请，"
        "须先离开单位、撤回申请，或另行注册专用账号，再办理任命。"
    )


class NoPlatformRole(Problem):
    """The person has none of the three roles."""

    status = 400
    code = "no_platform_role"
    title = "不是平台管理员"
    detail = "该人员没有担任平台三员。"


class NotTheFirst(Problem):
    """The command is for the first administrator of each kind only."""

    status = 409
    code = "not_the_first"
    title = "已有同类管理员"
    detail = "该类平台管理员已存在，请由平台管理员提议和确认。"
