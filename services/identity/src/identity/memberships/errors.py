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
