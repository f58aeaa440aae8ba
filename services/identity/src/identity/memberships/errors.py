"""Errors of memberships and entitlements."""

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


class InviteInvalid(Problem):
    """The invite does not exist."""

    status = 400
    code = "invite_invalid"
    title = "邀请码无效"
    detail = "邀请码无效，请向单位管理员核对。"


class InviteExpired(Problem):
    """The invite has expired."""

    status = 400
    code = "invite_expired"
    title = "邀请码已过期"
    detail = "邀请码已过期，请向单位管理员索取新的邀请码。"


class InviteRevoked(Problem):
    """The unit revoked the invite."""

    status = 400
    code = "invite_revoked"
    title = "邀请码已撤销"
    detail = "邀请码已被撤销，请向单位管理员索取新的邀请码。"


class InviteUsedUp(Problem):
    """The invite has no uses left."""

    status = 400
    code = "invite_used_up"
    title = "邀请码已用完"
    detail = "邀请码的使用次数已用完，请向单位管理员索取新的邀请码。"


class InviteNotFound(NotFound):
    """The invite does not exist in the caller's subtree."""

    code = "invite_not_found"
    title = "邀请不存在"
    detail = "所指定的邀请不存在。"


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


class AlreadyMember(Conflict):
    """The person already belongs to a unit."""

    code = "already_member"
    title = "已加入单位"
    detail = "您已加入单位；如需调动，请先办理离开手续。"


class AlreadyRequested(Conflict):
    """The person already has a pending request."""

    code = "already_requested"
    title = "申请待审核"
    detail = "您已有一项加入申请正在等待审核。"


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


class OwnUnit(Forbidden):
    """Administrators can close only units below their own."""

    code = "own_unit"
    title = "不能撤销本单位"
    detail = "不能撤销自己所在的单位，请由上级单位办理。"


class OwnRequest(Forbidden):
    """Nobody can approve their own request."""

    code = "own_request"
    title = "不能审核本人申请"
    detail = "不能审核自己的申请。"
