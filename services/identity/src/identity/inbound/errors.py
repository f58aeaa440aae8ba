"""Errors of text messages from phones."""

from servicekit.problems import Problem


class NotFromGateway(Problem):
    """The signature is missing or wrong, or the request is older than five minutes."""

    status = 401
    code = "not_from_gateway"
    title = "签名不正确"
    detail = "签名缺失、不正确或已过期。"
