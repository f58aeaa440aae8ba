"""Errors of changes of phone numbers."""

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


class SamePhone(Conflict):
    """The new number is the account's number."""

    code = "same_phone"
    title = "号码未变化"
    detail = "新手机号与当前手机号相同。"


class PhoneGone(Conflict):
    """The account's number went to another person and cannot confirm anything."""

    code = "phone_gone"
    title = "原手机号已失效"
    detail = "原手机号已由他人使用，请凭身份信息更换手机号，或由单位管理员协助找回。"


class IdNumberDifferent(Problem):
    """The identity number is not the verified one of the account. The attempt is recorded."""

    status = 400
    code = "id_number_different"
    title = "身份信息不一致"
    detail = "公民身份号码与实名核验的不一致。"
    keep_changes = True


class ChangePending(Conflict):
    """A change of the number is already under way."""

    code = "phone_change_pending"
    title = "已有更换申请"
    detail = "已有尚未办结的更换手机号申请，请先取消或等待其生效。"


class ChangeNotFound(NotFound):
    """There is no such change, or it is finished."""

    code = "phone_change_not_found"
    title = "没有更换申请"
    detail = "没有尚未办结的更换手机号申请。"


class ChangeDecided(Conflict):
    """The request was decided or cancelled before."""

    code = "phone_change_decided"
    title = "申请已办结"
    detail = "该申请已审核或已取消。"


class RecoveryAbove(Forbidden):
    """The person administers a unit that the caller is not above."""

    code = "recovery_above"
    title = "须由上级单位审核"
    detail = "单位管理员的找回申请由上一级单位的管理员审核；部级单位的由本单位其他管理员当面核验后办理。"


class InPersonRequired(Conflict):
    """Without a verified identity number, the administrator has to see the person."""

    code = "in_person_required"
    title = "须当面核验"
    detail = "该账号未完成实名核验，须当面核验本人身份证件后才能通过。"


class NumberInUse(Conflict):
    """The number's account was used recently: the number is not recycled."""

    code = "number_in_use"
    title = "该号码近期仍在使用"
    detail = (
        "该号码的账号近期仍有登录，不能按新机主登记。如确为您的号码，请在 90 天后再试，或联系单位管理员。"
    )
