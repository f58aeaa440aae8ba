"""Errors of lists of records."""

from servicekit.problems import Problem


class NotListed(Problem):
    """The feed has no records of persons, or the filter is not one of its columns."""

    status = 400
    code = "records_not_listed"
    title = "不能按此列出"
    detail = "该数据源没有个体记录，或不支持所选的筛选条件。"
