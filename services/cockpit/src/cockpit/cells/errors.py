"""Errors of figures."""

from servicekit.problems import Problem


class FiguresIncomplete(Problem):
    """The cells do not contain all that counts: after an upgrade they are being built."""

    status = 503
    code = "figures_incomplete"
    title = "统计数据正在更新"
    detail = "统计数据正在重新汇总，请稍后重试。"
    retry_after = 30
