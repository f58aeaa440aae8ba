"""Errors of collected answers."""

from servicekit.problems import Conflict


class NoFilesCollected(Conflict):
    """No answer of the subtree has files."""

    code = "no_files_collected"
    title = "没有附件"
    detail = "所选范围内已提交的答复没有附件。"


class TooManyFilesCollected(Conflict):
    """The files of the subtree are too many, or too large, for one archive."""

    code = "too_many_files_collected"
    title = "附件过多"
    detail = "所选范围内的附件超过 10000 个或 1 GiB，请按下级单位分别打包。"
