"""Errors of services with a replica."""

from servicekit.problems import Problem


class UnitNotReplicated(Problem):
    """The caller's unit is not in this service's replica yet."""

    status = 503
    code = "unit_not_replicated"
    title = "单位信息同步中"
    detail = "您所在单位的信息正在同步，请稍后重试。"
    retry_after = 2
