"""Errors of authenticators. Errors that count an attempt commit the count."""

from servicekit.problems import Problem


class AuthenticatorProblem(Problem):
    """An error that a page of the feature displays."""


class PasswordUnfit(AuthenticatorProblem):
    """The new password violates the password rules; the detail names the rule."""

    code = "password_unfit"
    title = "密码不符合要求"


class PasswordReused(AuthenticatorProblem):
    """The new password is one of the most recent ones."""

    code = "password_reused"
    title = "密码不能重复"
    detail = "不能与最近使用过的 5 个密码相同。"


class PasswordIncorrect(AuthenticatorProblem):
    """The password is wrong or not set; both return the same response."""

    code = "password_incorrect"
    title = "密码不正确"
    detail = "密码不正确，请重新输入。"
    keep_changes = True


class PasswordExpired(AuthenticatorProblem):
    """The password is correct but older than the deployment allows."""

    code = "password_expired"
    title = "密码已到期"
    detail = "密码已到期，请设置新密码。"
    keep_changes = True


class AuthenticatorLocked(AuthenticatorProblem):
    """Too many failed attempts."""

    status = 429
    code = "authenticator_locked"
    title = "已锁定"
    detail = "错误次数过多，请 15 分钟后再试。"
    keep_changes = True


class OneTimePasswordIncorrect(AuthenticatorProblem):
    """The value is neither a current code nor an unused recovery code."""

    code = "one_time_password_incorrect"
    title = "动态口令不正确"
    detail = "动态口令或恢复码不正确，或已使用过。"
    keep_changes = True


class TotpPresent(AuthenticatorProblem):
    """The person already has a TOTP."""

    status = 409
    code = "totp_present"
    title = "已设置动态口令"
    detail = "您已设置动态口令；如需更换，请先移除。"


class PasskeyRefused(AuthenticatorProblem):
    """The passkey was refused. The reason is in the audit log, not in the response."""

    code = "passkey_refused"
    title = "通行密钥未通过验证"
    detail = "通行密钥未通过验证，请重试。"
    keep_changes = True


class TooManyPasskeys(AuthenticatorProblem):
    """The person already has ten passkeys, the maximum."""

    status = 409
    code = "too_many_passkeys"
    title = "通行密钥过多"
    detail = "最多可添加 10 个通行密钥，请先移除不再使用的。"


class PageStale(AuthenticatorProblem):
    """The page belongs to another browser or sign-in, has expired, or was already used."""

    code = "page_stale"
    title = "页面已失效"
    detail = "页面已失效，请重试。"


class SmsFirst(AuthenticatorProblem):
    """The SMS sign-in is too old to add a second factor."""

    status = 403
    code = "sms_first"
    title = "请先用短信验证码登录"
    detail = "距上次短信登录已超过 5 分钟，请先用短信验证码登录。"
