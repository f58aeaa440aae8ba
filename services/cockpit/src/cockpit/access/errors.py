"""Errors of admission and reach."""

from authkit import errors
from servicekit.problems import NotFound, Problem


class LevelNotAdmitted(Problem):
    """The cockpit is for ministry, province, city and county."""

    status = 403
    code = "level_not_admitted"
    title = "单位层级不符"
    detail = "数字驾驶舱仅供部、省、市、县四级学生资助管理部门使用。"


class KindNotAdmitted(Problem):
    """The cockpit is for student-aid departments."""

    status = 403
    code = "kind_not_admitted"
    title = "部门类别不符"
    detail = "数字驾驶舱仅供学生资助管理部门使用。"


class UnitOutOfReach(errors.OutOfReach):
    """Like authkit's error, but keeps the record of the attempt."""

    keep_changes = True


class UnitNotFound(NotFound):
    """The unit does not exist."""

    code = "unit_not_found"
    title = "单位不存在"
    detail = "没有这个单位。"


class CountyRequired(Problem):
    """Only the county in charge of the students may see single records."""

    status = 403
    code = "county_required"
    title = "仅限县级"
    detail = "学生个体信息仅供主管县级学生资助管理部门查看。"
