"""Refusals around authenticators. Those that count an attempt keep their changes."""

from servicekit.problems import Problem


class AuthenticatorProblem(Problem):
    """What a page of the feature says instead of going on."""


class PasswordUnfit(AuthenticatorProblem):
    """The new password does not follow the rules; the detail says which."""

    code = "password_unfit"
    title = "密码不符合要求"


class PasswordReused(AuthenticatorProblem):
    """One of the last passwords."""

    code = "password_reused"
    title = "密码不能重复"
    detail = "不能与最近使用过的 5 个密码相同。"


class PasswordIncorrect(AuthenticatorProblem):
    """Wrong, or there is none: the answer is the same."""

    code = "password_incorrect"
    title = "密码不正确"
    detail = "密码不正确，请重新输入。"
    keep_changes = True


class PasswordExpired(AuthenticatorProblem):
    """Right, but older than 90 days."""

    code = "password_expired"
    title = "密码已到期"
    detail = "密码使用已满 90 天，请设置新密码。"
    keep_changes = True


class AuthenticatorLocked(AuthenticatorProblem):
    """Too many wrong attempts."""

    status = 429
    code = "authenticator_locked"
    title = "已锁定"
    detail = "错误次数过多，请 15 分钟后再试。"
    keep_changes = True


class OneTimePasswordIncorrect(AuthenticatorProblem):
    """Neither the present code, nor an unused recovery code."""

    code = "one_time_password_incorrect"
    title = "动态口令不正确"
    detail = "动态口令或恢复码不正确，或已使用过。"
    keep_changes = True


class TotpPresent(AuthenticatorProblem):
    """There is one already."""

    status = 409
    code = "totp_present"
    title = "已设置动态口令"
    detail = "您已设置动态口令；如需更换，请先移除。"


class PasskeyRefused(AuthenticatorProblem):
    """The audit log says what is wrong with it, the answer does not."""

    code = "passkey_refused"
    title = "通行密钥未通过验证"
    detail = "通行密钥未通过验证，请重试。"
    keep_changes = True


class TooManyPasskeys(AuthenticatorProblem):
    """A person can have ten."""

    status = 409
    code = "too_many_passkeys"
    title = "通行密钥过多"
    detail = "最多可添加 10 个通行密钥，请先移除不再使用的。"


class PageStale(AuthenticatorProblem):
    """The page is of another browser or sign-in, too old, or has been used."""

    code = "page_stale"
    title = "页面已失效"
    detail = "页面已失效，请重试。"


class SmsFirst(AuthenticatorProblem):
    """The SMS sign-in is too long ago to add a second factor to."""

    status = 403
    code = "sms_first"
    title = "请先用短信验证码登录"
    detail = "距上次短信登录已超过 5 分钟，请先用短信验证码登录。"
