"""Errors of signing in and registering."""

from servicekit.problems import Problem


class TermsNotAccepted(Problem):
    """An account needs consent to the terms and the privacy notice."""

    status = 400
    code = "terms_not_accepted"
    title = "请先同意条款"
    detail = "请阅读并勾选同意《使用条款》和《隐私政策》。"


class NotRegistered(Problem):
    """Nobody has registered with the number that the person has just proved to have."""

    status = 400
    code = "not_registered"
    title = "手机号尚未注册"
    detail = "本手机号尚未注册，请先注册。"


class TextTooLate(Problem):
    """The person has waited too long, or comes from another browser."""

    status = 400
    code = "text_too_late"
    title = "短信上行验证已失效"
    detail = "短信上行验证已失效，请重新开始。"
