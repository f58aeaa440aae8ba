"""Errors of the pages of registering."""

from servicekit.problems import Problem


class TermsNotAccepted(Problem):
    """An account needs consent to the terms and the privacy notice."""

    status = 400
    code = "terms_not_accepted"
    title = "请先同意条款"
    detail = "请阅读并勾选同意《使用条款》和《隐私政策》。"
