"""Errors of documents and agreements."""

from servicekit.problems import Conflict, NotFound


class PolicyNotFound(NotFound):
    """There is no such document."""

    code = "policy_not_found"
    title = "没有该文件"
    detail = "没有该文件。"


class PolicyOutdated(Conflict):
    """The version is not the current one."""

    code = "policy_outdated"
    title = "文件已更新"
    detail = "该文件已更新，请阅读并确认最新版本。"
