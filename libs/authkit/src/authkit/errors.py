"""Errors of token verification (RFC 6750 §3.1): 401 for an invalid token, 403 for missing permission."""

from typing import ClassVar

from authkit import acr as levels
from servicekit.permissions import PermissionRequired
from servicekit.problems import Problem

# Defined where the reference of the API needs it; one of these errors like the others below.
__all__ = ["PermissionRequired"]


class Unauthenticated(Problem):
    """No access token."""

    status = 401
    code = "unauthenticated"
    title = "未登录"
    detail = "请先登录。"
    oauth_error: ClassVar[str | None] = None

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        challenge = 'Bearer realm="zhuxue"'
        if self.oauth_error is not None:
            challenge += f', error="{self.oauth_error}", error_description="{self.code}"'
        self.headers = {"WWW-Authenticate": challenge}


class InvalidToken(Unauthenticated):
    """The token is malformed, forged or for another audience."""

    code = "invalid_token"
    title = "登录凭证无效"
    detail = "登录凭证无效，请重新登录。"
    oauth_error = "invalid_token"


class AmbiguousToken(Unauthenticated):
    """The request has more than one token, or uses more than one method to send it (RFC 6750 §3.1)."""

    status = 400
    code = "invalid_request"
    title = "请求不正确"
    detail = "请求中只能有一个登录凭证。"
    oauth_error = "invalid_request"


class InvalidProof(InvalidToken):
    """The DPoP proof is missing, invalid, or for another key or request (RFC 9449 §7.1)."""

    code = "invalid_dpop_proof"
    oauth_error = "invalid_dpop_proof"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        challenge = f'DPoP realm="zhuxue", error="{self.oauth_error}", algs="ES256 PS256"'
        self.headers = {"WWW-Authenticate": challenge}


class BoundToken(InvalidToken):
    """A token bound to a key came as a bearer token; the challenge asks for a proof (RFC 9449 §7.1)."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        challenge = (
            f'DPoP realm="zhuxue", error="{self.oauth_error}", '
            'error_description="The token is bound to a DPoP key", algs="ES256 PS256"'
        )
        self.headers = {"WWW-Authenticate": challenge}


class TokenExpired(InvalidToken):
    """The token is past its `exp`."""

    code = "token_expired"
    title = "登录凭证已过期"
    detail = "登录凭证已过期，请重新登录。"


class TokenRevoked(InvalidToken):
    """The token was revoked before its `exp`: session ended, account suspended or access withdrawn."""

    code = "token_revoked"
    title = "登录凭证已失效"
    detail = "登录凭证已失效，请重新登录。"


class InsufficientUserAuthentication(Unauthenticated):
    """The person's sign-in has too low a level or is too old for this operation (RFC 9470 §3).

    The challenge names the requirement: `acr_values`, and `max_age` in seconds. The client sends these values
    to the issuer. The text is for somebody who has no second factor yet, too.
    """

    code = "insufficient_user_authentication"
    title = "需要进一步验证身份"
    detail = "此操作需要进一步验证身份，请按提示重新登录。"
    oauth_error = "insufficient_user_authentication"

    def __init__(self, acr: str | None = None, max_age: int | None = None, *, scheme: str = "Bearer") -> None:
        super().__init__(_SECOND_FACTOR if acr == levels.MFA else None)
        challenge = f'{scheme} realm="zhuxue", error="{self.oauth_error}", '
        challenge += 'error_description="A different authentication level is required"'
        if acr is not None:
            challenge += f', acr_values="{acr}"'
        if max_age is not None:
            challenge += f', max_age="{max_age}"'
        self.headers = {"WWW-Authenticate": challenge}


_SECOND_FACTOR = (
    "此操作须用动态口令或通行密钥再次验证身份，请按提示重新登录。"
    "还没有设置的，请登录统一用户认证，在“登录方式”中设置动态口令或添加通行密钥。"
)


class KeysUnavailable(Problem):
    """The issuer's keys have not been fetched yet, so no token can be verified."""

    status = 503
    code = "issuer_unavailable"
    title = "认证服务暂不可用"
    detail = "认证服务暂不可用，请稍后重试。"


class InsufficientScope(Problem):
    """The token is valid but lacks a scope."""

    status = 403
    code = "insufficient_scope"
    title = "授权范围不足"
    detail = "当前授权范围不允许此操作。"


class PersonRequired(Problem):
    """A client acting for itself called an operation that is only for people."""

    status = 403
    code = "person_required"
    title = "需要个人登录"
    detail = "此操作须由个人登录后进行。"


class MembershipRequired(Problem):
    """The person has no active membership in a unit."""

    status = 403
    code = "membership_required"
    title = "不是单位人员"
    detail = "此操作须由单位人员办理；您没有加入单位，或加入申请还未通过审核。"


class EntitlementRequired(Problem):
    """The person does not have the entitlement for this system in Identity."""

    status = 403
    code = "entitlement_required"
    title = "未获得系统授权"
    detail = "您尚未获得使用本系统的授权，请联系管理员。"


class OutOfReach(Problem):
    """The requested unit is not the caller's unit or one of its descendants."""

    status = 403
    code = "out_of_reach"
    title = "超出管辖范围"
    detail = "所请求的单位不在您的管辖范围内。"
