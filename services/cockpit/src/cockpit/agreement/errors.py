"""Errors of the lists of inconsistencies."""

from typing import Self

from servicekit.problems import Problem


class InconsistenciesTooWide(Problem):
    """There are more facts than one request compares."""

    status = 422
    code = "inconsistencies_too_wide"
    title = "对照范围过大"
    detail = "对照范围内的记录过多，请选择下级单位。"

    @classmethod
    def of(cls, facts: int, most: int) -> Self:
        """Create with the number of facts and the bound."""
        return cls(f"对照范围内有 {facts} 条记录，超过一次对照的上限 {most} 条，请选择下级单位或另一年度。")


class CheckUnknown(Problem):
    """The feed has no such check, or it cannot be evaluated again."""

    status = 422
    code = "check_unknown"
    title = "没有这项对照"
    detail = "该数据源没有这项对照，或这项对照只在入库时进行；可用的对照见 /api/v1/feeds。"
