"""Errors that several features of the portal answer with."""

from servicekit.problems import Forbidden, Problem


class SignInRequired(Problem):
    """The browser has no session, or it has ended. Scripts get this status and never a redirect."""

    status = 401
    code = "sign_in_required"
    title = "未登录"
    detail = "您还没有登录，或登录已失效，请登录后继续。"


class CrossSite(Forbidden):
    """The request does not come from a page of the portal (RFC 10017 §6.1.3.3)."""

    code = "cross_site"
    title = "请求来源不正确"
    detail = "此请求不是由工作门户的页面发出的，已拒绝。"


class IssuerUnavailable(Problem):
    """Identity gave no usable answer."""

    status = 503
    code = "issuer_unavailable"
    title = "认证服务暂不可用"
    detail = "统一用户认证暂时不可用，请稍后重试。"
