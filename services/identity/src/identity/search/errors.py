"""Errors of searches."""

from servicekit.problems import Problem, TooManyRequests


class UnitRequired(Problem):
    """An administrator of the platform, who has no unit, finds people of a unit that they name."""

    status = 400
    code = "unit_required"
    title = "请指定单位"
    detail = "平台管理员查找人员须指定单位。"


class TooManyLookups(TooManyRequests):
    """The caller has looked up many phone numbers within an hour."""

    code = "too_many_lookups"
    detail = "每小时最多按手机号查找 30 次，请稍后再试。"
    retry_after = 3600
