"""Errors of the platform's administrators."""

from servicekit.problems import Conflict, Forbidden


class HasPlatformRole(Conflict):
    """The person has one of the three roles; nobody has two."""

    code = "has_platform_role"
    title = "已是平台管理员"
    detail = "该人员已担任平台三员之一；三员不得兼任。"


class NoUnitForAdministrators(Conflict):
    """The person is an administrator of the platform: they join no unit and get no role in one (三员分立)."""

    code = "no_unit_for_administrators"
    title = "平台管理员不得属于单位"
    detail = "三员分立：平台管理员不得加入单位，也不得在单位担任角色或接受委托。请先由平台管理员办理免职。"


class SecondPersonRequired(Forbidden):
    """Somebody else, of another kind than the proposer, has to confirm."""

    code = "second_person_required"
    title = "须由他人确认"
    detail = "须由提议人以外、且与提议人不同类的平台管理员确认；不能对本人操作。"


class LastOfItsKind(Conflict):
    """Each of the three roles keeps at least one person."""

    code = "last_of_its_kind"
    title = "最后一名同类管理员"
    detail = "系统、安全、审计管理员各须至少保留一人。"
