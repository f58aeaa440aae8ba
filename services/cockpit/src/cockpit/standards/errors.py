"""Errors of policy standards."""

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


class CentreOnly(Forbidden):
    """Policy standards are administered by the centre."""

    code = "centre_only"
    title = "仅限全国中心"
    detail = "政策标准由全国学生资助管理中心维护，其他单位只能查看。"


class StandardNotFound(NotFound):
    """There is no such standard."""

    code = "standard_not_found"
    title = "没有这项政策标准"
    detail = "没有这项政策标准。"


class StandardOverlap(Conflict):
    """Another version of the same programme, stage, tier and region holds on one of the days."""

    code = "standard_overlap"
    title = "与已有的标准时间重叠"
    detail = "同一项目、学段、档次和地区在这段时间内已有标准，请先终止原标准，或选择“自动终止原标准”。"


class StandardInvalid(Problem):
    """The parts of a standard contradict each other."""

    status = 400
    code = "standard_invalid"
    title = "政策标准不成立"
    detail = "政策标准的内容互相矛盾，请检查。"


class StandardWithdrawn(Conflict):
    """A withdrawn version can no longer be changed."""

    code = "standard_withdrawn"
    title = "标准已作废"
    detail = "这项标准已作废，不能再修改。"
