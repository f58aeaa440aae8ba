"""Errors of real-name checks."""

from servicekit.problems import Conflict, Problem, TooManyRequests


class BadIdNumber(Problem):
    """The identity number violates GB 11643; the detail says where."""

    status = 400
    code = "bad_id_number"
    title = "公民身份号码不正确"
    detail = "公民身份号码不正确，请核对后重新输入。"


class SeparateConsentRequired(Problem):
    """The person has not agreed to the processing of the identity number (PIPL article 29)."""

    status = 400
    code = "separate_consent_required"
    title = "须单独同意"
    detail = "须单独同意处理公民身份号码后，才能进行实名核验。"


class RealNameMismatch(Problem):
    """The provider says that name and number do not belong together. The record of the check is kept."""

    status = 400
    code = "real_name_mismatch"
    title = "实名核验未通过"
    detail = "姓名与公民身份号码不一致，请核对后重试。"
    keep_changes = True


class RealNameUnavailable(Problem):
    """No provider is configured, or it does not respond."""

    status = 503
    code = "real_name_unavailable"
    title = "实名核验暂时无法进行"
    detail = "实名核验暂时无法进行，请稍后再试。"
    keep_changes = True


class TooManyChecks(TooManyRequests):
    """Five checks were made within a day."""

    code = "too_many_checks"
    detail = "今日核验次数过多，请明天再试。"
    retry_after = 86_400


class AlreadyVerified(Conflict):
    """The account's real name is verified."""

    code = "already_verified"
    title = "已完成实名核验"
    detail = "您已完成实名核验，无需重复办理。"


class NameChanged(Conflict):
    """The name was corrected while the provider was asked about the former one."""

    code = "name_changed"
    title = "姓名已更改"
    detail = "核验期间姓名已更改，请重新核验。"
    keep_changes = True


class IdNumberDiffers(Conflict):
    """The number is not the one that the account was verified with. The record of the check is kept."""

    code = "id_number_differs"
    title = "公民身份号码不一致"
    detail = "更正姓名须使用原核验的公民身份号码。"
    keep_changes = True


class RealNameRequired(Conflict):
    """The operation needs a verified account."""

    code = "real_name_required"
    title = "须先完成实名核验"
    detail = "请先完成实名核验，再办理此项业务。"
