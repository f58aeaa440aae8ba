"""Errors of figures."""

from collections.abc import Iterable
from typing import Self

from cockpit.cells.dimensions import Calendar, Grouping
from cockpit.feeds.declarations import FeedName
from servicekit.problems import Problem


class FiguresIncomplete(Problem):
    """The cells do not contain all that counts: after an upgrade they are being built."""

    status = 503
    code = "figures_incomplete"
    title = "统计数据正在更新"
    detail = "统计数据正在重新汇总，请稍后重试。"
    retry_after = 30


class GroupingNotKept(Problem):
    """No figures are kept by the dimensions asked for; `detail` names those that are."""

    status = 400
    code = "grouping_not_kept"
    title = "没有这样分组的统计"
    detail = "没有按所选维度汇总的统计数据。"

    @classmethod
    def of(
        cls, feed: FeedName, calendar: Calendar, asked: Grouping, kept: Iterable[Grouping], *, school: bool
    ) -> Self:
        """Create from what was asked for and what there is."""
        known = "；".join(_words(one) for one in kept)
        where = "学校的" if school else ""
        there = (
            f"可以按以下维度查询：{known}。" if known else f"该数据源没有{where}按{calendar.label}的统计。"
        )
        return cls(f"“{feed.label}”没有{where}按{calendar.label}、{_words(asked)}汇总的统计数据。{there}")


def _words(dimensions: Grouping) -> str:
    return "×".join(sorted(one.label for one in dimensions)) or "合计"
