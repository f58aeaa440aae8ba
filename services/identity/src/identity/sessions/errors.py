"""Errors of the sessions API."""

from servicekit.problems import Problem


class SessionNotFound(Problem):
    """The person has no such session, or it has ended."""

    status = 404
    code = "session_not_found"
    title = "登录不存在"
    detail = "该登录不存在或已结束。"
