"""Errors of exports."""

from servicekit.problems import Conflict, NotFound, TooManyRequests


class ExportNotFound(NotFound):
    """There is no such export of the caller in the acting unit."""

    code = "export_not_found"
    title = "导出不存在"
    detail = "没有这个导出，或已过期清除。"


class ExportEnded(Conflict):
    """The export has ended, so it cannot be cancelled."""

    code = "export_ended"
    title = "导出已结束"
    detail = "该导出已经结束，不能取消。"


class ExportNotReady(Conflict):
    """The file has not been made, or could not be made."""

    code = "export_not_ready"
    title = "文件未生成"
    detail = "导出文件尚未生成，或生成失败、已取消。"


class TooManyExports(TooManyRequests):
    """The person has too many exports that have not ended."""

    code = "too_many_exports"
    title = "导出过多"
    detail = "您有多个导出正在生成，请等待完成后再试。"
    retry_after = 30
