"""Errors of accounts."""

from servicekit.problems import Conflict, NotFound, Problem, TooManyRequests


class BadPhone(Problem):
    """The number is not a mobile number of mainland China; the detail says what it is."""

    status = 400
    code = "bad_phone"
    title = "手机号不正确"
    detail = "请输入有效的中国大陆手机号码。"


class BadName(Problem):
    """The name is not a legal name."""

    status = 400
    code = "bad_name"
    title = "姓名不正确"
    detail = "请填写真实姓名（2 至 30 个汉字，少数民族姓名可用间隔号“·”；或拉丁字母）。"


class NameVerified(Conflict):
    """A verified name is corrected by another real-name check only."""

    code = "name_verified"
    title = "姓名已实名核验"
    detail = "您的姓名已通过实名核验，须凭公民身份号码重新核验后更正。"


class TooManyCorrections(TooManyRequests):
    """The name was corrected three times within thirty days."""

    code = "too_many_corrections"
    detail = "30 天内最多更正 3 次姓名，请以后再试。"
    retry_after = 86_400


class PhoneTaken(Conflict):
    """Another active account uses this number."""

    code = "phone_taken"
    title = "手机号已注册"
    detail = "该手机号已注册，请直接登录。"


class IdNumberTaken(Conflict):
    """Another account has this identity number."""

    code = "id_number_taken"
    title = "已有实名账号"
    detail = "该公民身份号码已有账号。请用原账号登录；原手机号无法使用的，请办理找回账号。"


class AccountNotFound(NotFound):
    """The account does not exist."""

    code = "account_not_found"
    title = "账号不存在"
    detail = "所指定的账号不存在。"


class AccountSuspended(Problem):
    """The account is suspended."""

    status = 403
    code = "account_suspended"
    title = "账号已停用"
    detail = "该账号已停用。"

    @classmethod
    def for_holder(cls, helper: str) -> "AccountSuspended":
        """Return the error for the account's holder, who asks `helper`."""
        return cls(f"该账号已停用，请联系{helper}。")


class AccountNotActive(Conflict):
    """Only an active account can be suspended."""

    code = "account_not_active"
    title = "账号已停用"
    detail = "该账号已处于停用状态。"


class AccountNotSuspended(Conflict):
    """Only a suspended account can be restored."""

    code = "account_not_suspended"
    title = "账号未停用"
    detail = "该账号未处于停用状态。"


class SuspendedAbove(Problem):
    """An administrator of a higher unit suspended the account."""

    status = 403
    code = "suspended_above"
    title = "须由上级单位恢复"
    detail = "该账号由上级单位停用，只能由该上级单位恢复。"


class NotYourself(Problem):
    """Administrators cannot do this to their own account."""

    status = 403
    code = "not_yourself"
    title = "不能对本人操作"
    detail = "不能对自己的账号执行此操作。"
