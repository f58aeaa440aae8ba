"""Errors of requests about widgets."""

from servicekit.problems import Conflict, Problem


class BadWidgetTitle(Problem):
    """The title is empty or too long."""

    status = 400
    code = "bad_widget_title"
    title = "标题无效"
    detail = "标题不能为空，最多 200 个字符。"


class WidgetClosed(Conflict):
    """A closed widget cannot be changed."""

    code = "widget_closed"
    title = "样例已关闭"
    detail = "样例已关闭，不能再修改。"
