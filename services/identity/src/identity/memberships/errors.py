"""Errors of memberships."""

from servicekit.problems import Conflict, NotFound


class AlreadyMember(Conflict):
    """The person already belongs to this unit."""

    code = "already_member"
    title = "已加入该单位"
    detail = "该人员已属于此单位，无须再次加入。"


class MembershipNotFound(NotFound):
    """The person does not belong to the unit."""

    code = "membership_not_found"
    title = "不属于该单位"
    detail = "该人员不属于所指定的单位。"


class LastAdministrator(Conflict):
    """Only an administrator of a unit above may take a unit's last administrator away."""

    code = "last_administrator"
    title = "最后一名管理员"
    detail = "该人员是本单位最后一名单位管理员，请先指定另一名管理员，或由上级单位办理。"
