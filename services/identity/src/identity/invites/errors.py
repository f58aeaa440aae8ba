"""Errors of invites."""

from servicekit.problems import NotFound, Problem


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
