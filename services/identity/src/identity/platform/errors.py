"""Errors of the platform's administrators."""

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


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


class HasPlatformRole(Conflict):
    """The person has one of the three roles; nobody has two."""

    code = "has_platform_role"
    title = "已是平台管理员"
    detail = "该人员已担任平台三员之一；三员不得兼任。"


class NoPlatformRole(Problem):
    """The person has none of the three roles."""

    status = 400
    code = "no_platform_role"
    title = "不是平台管理员"
    detail = "该人员没有担任平台三员。"


class PlatformAdministratorHeld(Forbidden):
    """The account is an administrator of the platform: no unit decides about it."""

    code = "platform_administrator"
    title = "该人员为平台管理员"
    detail = "平台管理员的账号不由单位管理，请先由平台管理员办理免职。"


class SecondPersonRequired(Forbidden):
    """Somebody else, of another kind than the proposer, has to confirm."""

    code = "second_person_required"
    title = "须由他人确认"
    detail = "任免须由提议人以外、且与提议人不同类的平台管理员确认；不能对本人操作。"


class LastOfItsKind(Conflict):
    """Each of the three roles keeps at least one person."""

    code = "last_of_its_kind"
    title = "最后一名同类管理员"
    detail = "系统、安全、审计管理员各须至少保留一人。"


class NotTheFirst(Problem):
    """The command is for the first administrator of each kind only."""

    status = 409
    code = "not_the_first"
    title = "已有同类管理员"
    detail = "该类平台管理员已存在，请由平台管理员提议和确认。"
