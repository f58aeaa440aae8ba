"""Temporary errors of the fact store: 503 with `Retry-After`."""

from servicekit.problems import Problem


class AnalyticsBusy(Problem):
    """The queue of waiting requests is full, or this request waited too long."""

    status = 503
    code = "analytics_busy"
    title = "查询繁忙"
    detail = "数据查询繁忙，请稍后重试。"
    retry_after = 5


class AnalyticsTimeout(Problem):
    """The store stopped a query that took too long."""

    status = 503
    code = "analytics_timeout"
    title = "查询超时"
    detail = "数据查询超时，请稍后重试。"
    retry_after = 30


class AnalyticsUnavailable(Problem):
    """The store does not answer."""

    status = 503
    code = "analytics_unavailable"
    title = "数据库暂不可用"
    detail = "数据存储暂时无法访问，请稍后重试。"
    retry_after = 10


REFUSALS = (AnalyticsBusy, AnalyticsTimeout, AnalyticsUnavailable)
"""What any endpoint that needs the facts may answer."""
