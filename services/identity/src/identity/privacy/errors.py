"""Errors of exporting one's data and closing one's account."""

from servicekit.problems import Conflict, NotFound, TooManyRequests


class StillMember(Conflict):
    """The person belongs to a unit, perhaps as its last administrator."""

    code = "still_member"
    title = "须先离开所属单位"
    detail = "请先离开所有所属单位并完成工作交接，再申请注销；唯一的单位管理员须先由上级单位另行指定。"


class HandOverOpen(Conflict):
    """Work of the person is being handed over."""

    code = "hand_over_open"
    title = "工作交接未完成"
    detail = "您的工作交接尚未完成，完成后方可注销。"


class PlatformRoleHeld(Conflict):
    """The person is one of the platform's administrators."""

    code = "platform_role_held"
    title = "须先卸任平台管理角色"
    detail = "您担任平台管理角色，卸任后方可注销。"


class ClosingPending(Conflict):
    """The account is to be closed already."""

    code = "closing_pending"
    title = "已申请注销"
    detail = "您已申请注销，无需重复申请。"


class ClosingNotFound(NotFound):
    """There is no request to close the account."""

    code = "closing_not_found"
    title = "没有注销申请"
    detail = "没有待生效的注销申请。"


class ExportNotFound(NotFound):
    """The person has no such export, or it has been deleted."""

    code = "export_not_found"
    title = "没有该导出文件"
    detail = "该导出文件不存在或已过期删除。"


class ExportNotReady(Conflict):
    """The export is being made."""

    code = "export_not_ready"
    title = "正在生成"
    detail = "导出文件正在生成，请稍后再下载。"


class ExportTooSoon(TooManyRequests):
    """An export was requested within a day."""

    code = "export_too_soon"
    detail = "24 小时内已导出过，请下载已生成的文件，或稍后再试。"
    retry_after = 3600
