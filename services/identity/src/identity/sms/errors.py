"""Errors of sending text messages."""

from servicekit.problems import Problem


class SmsUnavailable(Problem):
    """The gateway is unavailable, or the deployment's budget is exhausted."""

    status = 503
    code = "sms_unavailable"
    title = "短信暂时无法发送"
    detail = "短信暂时无法发送，请稍后再试。"

    def __init__(self, retry_after: int = 30) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(retry_after)}


class SmsRefused(Exception):
    """The gateway rejected this message permanently."""
