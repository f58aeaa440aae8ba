"""Errors of signing in and out."""

from servicekit.problems import Problem


class InvalidLogoutToken(Problem):
    """The logout token is not valid (Back-Channel Logout 1.0 §2.8)."""

    code = "invalid_logout_token"
    title = "退出令牌无效"
    detail = "退出令牌无效，没有结束任何登录。"

    def __init__(self) -> None:
        super().__init__()
        self.headers = {"Cache-Control": "no-store"}


class NotSignedIn(Exception):
    """The sign-in did not succeed; `reason` is a code for the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
