"""Errors of calls that are passed on."""

from servicekit.problems import NotFound, Problem


class NotProxied(NotFound):
    """The operation is not one that pages may call."""

    code = "not_proxied"
    detail = "没有此接口，或此接口不供页面使用。"


class ServiceUnavailable(Problem):
    """The service gave no answer."""

    status = 503
    code = "service_unavailable"
    title = "服务暂不可用"
    detail = "服务暂时不可用，您填写的内容没有丢失，请稍后重试。"


class TokenRenewed(Problem):
    """The rights of the person have just changed; the same call succeeds with the next token."""

    status = 503
    code = "token_renewed"
    title = "登录信息正在更新"
    detail = "您的权限刚刚有变化，正在更新登录信息，请稍后重试。"
    retry_after = 1


class StepUpRequired(Problem):
    """The operation needs a stronger or more recent sign-in (RFC 9470).

    The body has `login`, where the browser goes for it; the page adds `return_to`.
    """

    status = 401
    code = "step_up_required"
    title = "需要进一步验证身份"
    detail = "此操作需要进一步验证身份，验证后可以继续，已填写的内容不会丢失。"
