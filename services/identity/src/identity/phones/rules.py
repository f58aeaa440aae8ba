"""Waiting times and texts of changes of phone numbers. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

WITHOUT_OLD_NUMBER = timedelta(days=7)
"""Waiting time of a change that the old number does not confirm, in calendar days."""
RECOVERY = timedelta(hours=24)
"""Waiting time of a recovery that an administrator has approved without seeing the person."""


def due_of_recovery(requested_at: datetime, now: datetime, *, in_person: bool) -> datetime:
    """Return when an approved recovery takes effect: at once in person, else 24 hours after the request."""
    return now if in_person else max(now, requested_at + RECOVERY)


def decides_recovery(approver_path: str, administered: Iterable[str], *, in_person: bool) -> bool:
    """Return whether an administrator at `approver_path` decides about the recovery of a person who
    administers the units at `administered`: only from above each of them, as about first administrators.
    Nobody is above the top unit, so there a colleague decides who has seen the person.
    """
    return all(
        path.startswith(f"{approver_path}.") or (in_person and path == approver_path and "." not in path)
        for path in administered
    )


def changed_text(masked: str, helper: str) -> str:
    """Return the message to both numbers when an account has a new one; the person asks `helper`."""
    return (
        f"【学生资助】您的账号手机号已变更为 {masked}，原登录已全部退出。如非本人操作，请立即联系{helper}。"
    )


def announced_text(masked: str, due: str) -> str:
    """Return the message to the old number when a change waits."""
    return (
        f"【学生资助】您的账号申请将手机号变更为 {masked}，将于 {due} 生效。"
        "如非本人操作，请在登录页面选择“取消更换手机号”，用本号码接收验证码后取消。"
    )


def requested_text(masked: str) -> str:
    """Return the message to the old number when somebody asks for a recovery."""
    return (
        f"【学生资助】有人申请将您的账号找回到 {masked}，正待单位管理员审核。"
        "如非本人操作，请在登录页面选择“取消更换手机号”，用本号码接收验证码后取消。"
    )


def to_decide_text(masked_name: str) -> str:
    """Return the message to an administrator when a recovery waits for approval."""
    return (
        f"【学生资助】您管理的单位有人员（{masked_name}）申请找回账号，正待审核。"
        "请登录工作门户，在“人员管理”的“找回账号”中核对身份并办理；未经核实，请勿通过。"
    )


CANCELLED = "【学生资助】您的更换手机号申请已取消。"
REJECTED = "【学生资助】您的找回账号申请未通过单位审核，请联系本单位管理员。"
FAILED_RECOVERY = "【学生资助】您的找回账号申请未能生效：平台管理员的账号不能自助找回，请联系平台运维单位。"
FAILED = "【学生资助】您的更换手机号申请未能生效，该号码已被其他账号使用，请重新办理。"
ASKED = (
    "申请已收到。如信息与账号一致，将由所在单位管理员审核，结果以短信告知；无单位的账号满 7 天后生效。"
    "平台管理员的账号不能自助找回，请联系平台运维单位。"
)
"""The answer to every request for one's account; it does not tell whether there is one."""
