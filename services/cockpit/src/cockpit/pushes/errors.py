"""Errors of pushes."""

from authkit.errors import InsufficientScope
from servicekit.problems import Conflict, NotFound, Problem

__all__ = [
    "AlreadyGranted",
    "BoundTokenRequired",
    "ClientRequired",
    "GrantNotFound",
    "InsufficientScope",
    "PushNotGranted",
]


class ClientRequired(Problem):
    """Only a client that acts for itself pushes; people use the intake."""

    status = 403
    code = "client_required"
    title = "只供接入系统使用"
    detail = "本接口只供接入系统以自身身份（client_credentials）使用。"


class BoundTokenRequired(Problem):
    """The token is not bound to a key, so whoever has it could push."""

    status = 403
    code = "bound_token_required"
    title = "令牌未绑定密钥"
    detail = "请以 DPoP（RFC 9449）取得并使用绑定密钥的令牌。"


class PushNotGranted(Problem):
    """The client is not registered for the unit and feed, or there is no such unit; recorded."""

    status = 403
    code = "push_not_granted"
    title = "未登记代报"
    detail = "本系统未登记为该单位代报这种数据，或没有这个单位。请该单位的管理员登记。"
    keep_changes = True


class GrantNotFound(NotFound):
    """The registration does not exist."""

    code = "push_grant_not_found"
    title = "登记不存在"
    detail = "没有这项代报登记。"


class AlreadyGranted(Conflict):
    """The client is registered for the unit already."""

    code = "push_already_granted"
    title = "已登记"
    detail = "该系统已为该单位登记；要改变数据种类，请先撤销原登记。"
