"""Errors of published tables."""

from servicekit.problems import NotFound, Problem


class PublishedTableNotFound(NotFound):
    """There is no such table in reach, or its batch has been withdrawn."""

    code = "published_table_not_found"
    title = "没有这张公布的表"
    detail = "没有这张公布的表，或其批次已撤回。"


class TooManyPublishedLines(Problem):
    """A batch has more lines than published tables have."""

    status = 400
    code = "too_many_published_lines"
    title = "公布数据过多"
    detail = "一批公布的汇总数据最多 20,000 行，请分批上传。"
