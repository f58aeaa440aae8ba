"""Errors about the caller's own session."""

from servicekit.problems import Conflict


class NoBrowserSession(Conflict):
    """The token does not belong to a browser session, so it has no acting unit of its own."""

    code = "no_browser_session"
    title = "没有浏览器登录"
    detail = "当前令牌不属于浏览器登录，不能切换单位；请在网页上登录后操作。"
