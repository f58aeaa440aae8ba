"""Refusals that concern the caller's own unit."""

from servicekit.problems import Problem


class UnitNotReplicated(Problem):
    """The caller's unit is newer than this service's copy of the directory."""

    status = 503
    code = "unit_not_replicated"
    title = "单位信息同步中"
    detail = "您所在单位的信息正在同步，请稍后重试。"
    headers = {"Retry-After": "2"}  # noqa: RUF012 - never written to


class UnitInactive(Problem):
    """The caller's unit has been closed."""

    status = 403
    code = "unit_inactive"
    title = "单位已停用"
    detail = "您所在的单位已停用，不能办理业务。"
