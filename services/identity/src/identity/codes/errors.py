"""Errors of SMS codes and captchas."""

from datetime import datetime, timedelta

from servicekit.clock import SHANGHAI
from servicekit.problems import NotFound, Problem, TooManyRequests


class CodeUnreadable(Problem):
    """The text contains no code; no attempt is counted."""

    status = 400
    code = "code_unreadable"
    title = "验证码格式不正确"
    detail = "请输入短信中的 6 位数字验证码。"


class CodeIncorrect(Problem):
    """The code is wrong, or none was sent for this browser. The error commits the count of failed
    attempts.
    """

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


class TextNotReceived(Problem):
    """The text that was to be sent from the phone has not arrived yet."""

    status = 400
    code = "text_not_received"
    title = "尚未收到短信"
    detail = "还没有收到您的短信，请确认已用该手机号发送，稍候再试。"


class TextingOff(Problem):
    """The operator has no number that text messages can be sent to."""

    status = 404
    code = "texting_off"
    title = "未开通短信上行验证"
    detail = "本平台未开通短信上行验证，请使用短信验证码。"


class ChallengeNotFound(NotFound):
    """There is no such challenge, or it ended more than an hour ago."""

    code = "text_challenge_not_found"
    detail = "短信上行验证不存在或已失效，请重新开始。"


class CaptchaRequired(Problem):
    """Half of a budget is used: the browser has to answer a captcha."""

    status = 403
    code = "captcha_required"
    title = "请先回答验证问题"
    detail = "为防止短信被滥用，请先回答验证问题。"


class CaptchaIncorrect(Problem):
    """The answer is wrong, late or a repetition. The captcha is used up."""

    status = 400
    code = "captcha_incorrect"
    title = "验证问题回答不正确"
    detail = "验证问题回答不正确或已过期，请回答新的问题。"
    keep_changes = True


class CodeTooSoon(TooManyRequests):
    """A code was sent to this number for this browser and purpose less than a minute ago.

    `live` says whether that code can still be used. With `now`, the text has the clock time, which stays true
    on a page without JavaScript, where the seconds do not count down.
    """

    code = "code_too_soon"
    detail = "验证码已发送，请稍后再获取。"

    def __init__(self, retry_after: int, *, now: datetime | None = None, live: bool = True) -> None:
        said = "验证码已发送" if live else "上一个验证码已不能使用"
        after = ""
        if now is not None:
            until = (now + timedelta(seconds=retry_after)).astimezone(SHANGHAI)
            after = f"（北京时间 {until:%H:%M:%S} 以后）"
        super().__init__(f"{said}，请在 {retry_after} 秒后再获取{after}。")
        self.seconds = retry_after
        self.live = live
        self.headers = {"Retry-After": str(retry_after)}


class CodeBudgetSpent(TooManyRequests):
    """The budget of the number, the browser or the address is exhausted."""

    code = "code_budget_spent"
    detail = "获取验证码次数过多，请稍后再试。"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(retry_after)}
