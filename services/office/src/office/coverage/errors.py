"""Errors of coverage."""

from servicekit.problems import Conflict


class ReceiptsArchived(Conflict):
    """The receipts of single units have been moved to the archive; only sums are left."""

    code = "receipts_archived"
    title = "逐单位记录已归档"
    detail = "该年度的逐单位记录已归档移出，只保留各级汇总数，不能按分组统计，也不能说明各单位如何计入。"
