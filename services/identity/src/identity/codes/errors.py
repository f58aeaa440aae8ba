"""Errors of SMS codes."""

from servicekit.problems import Problem, TooManyRequests


class CodeIncorrect(Problem):
    """The code is wrong, or none was sent. The error commits the count of failed attempts."""

    status = 400
    code = "code_incorrect"
    title = "验证码不正确"
    detail = "验证码不正确，请核对后重新输入。"
    keep_changes = True


class CodeExpired(Problem):
    """The code's five minutes have expired."""

    status = 400
    code = "code_expired"
    title = "验证码已过期"
    detail = "验证码已过期，请重新获取。"


class CodeUsed(Problem):
    """The code was already used."""

    status = 400
    code = "code_used"
    title = "验证码已使用"
    detail = "验证码已使用过，请重新获取。"


class CodeExhausted(Problem):
    """Too many failed attempts for this code."""

    status = 400
    code = "code_exhausted"
    title = "验证码已失效"
    detail = "错误次数过多，验证码已失效，请重新获取。"


class CodeTooSoon(TooManyRequests):
    """A code was sent to this number less than a minute ago."""

    code = "code_too_soon"
    detail = "验证码已发送，请稍后再获取。"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"验证码已发送，请在 {retry_after} 秒后再获取。")
        self.seconds = retry_after
        self.headers = {"Retry-After": str(retry_after)}


class CodeBudgetSpent(TooManyRequests):
    """The budget of the number or the address is exhausted."""

    code = "code_budget_spent"
    detail = "获取验证码次数过多，请稍后再试。"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(retry_after)}
