"""Errors of the audit log."""

from servicekit.problems import Conflict, NotFound, Problem


class RangeTooLong(Problem):
    """The search names neither actor, target nor request, and its range is too long."""

    status = 400
    code = "audit_range_too_long"
    title = "时间范围过长"
    detail = "未指定操作人、对象或请求编号时，时间范围不能超过 93 天。"


class RangeReversed(Problem):
    """The range ends before it begins."""

    status = 400
    code = "audit_range_reversed"
    title = "时间范围有误"
    detail = "结束时间须晚于开始时间。"


class SearchTooBroad(Problem):
    """The search took too long."""

    status = 400
    code = "audit_search_too_broad"
    title = "查询范围过大"
    detail = "符合条件的记录过少或范围过大，请缩短时间范围，或改用导出。"


class ExportNotFound(NotFound):
    """The export does not exist, or has been deleted."""

    code = "audit_export_not_found"
    title = "导出不存在"
    detail = "该导出不存在，或已超过七天被删除。"


class ExportNotReady(Conflict):
    """The file of the export is not complete yet."""

    code = "audit_export_not_ready"
    title = "导出尚未完成"
    detail = "导出尚未完成，请稍后再试。"
