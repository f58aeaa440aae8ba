"""Errors of units."""

from servicekit.problems import Conflict, NotFound, Problem


class UnitNotFound(NotFound):
    """The unit does not exist."""

    code = "unit_not_found"
    title = "单位不存在"
    detail = "所指定的单位不存在。"


class UnitClosed(Conflict):
    """The unit is closed."""

    code = "unit_closed"
    title = "单位已撤销"
    detail = "该单位已撤销，不能执行此操作。"


class UnitNotEmpty(Conflict):
    """The unit has active units below it."""

    code = "unit_not_empty"
    title = "单位仍有下级"
    detail = "该单位仍有下级单位，请先处理下级单位。"


class UnitCodeTaken(Conflict):
    """A unit with this code exists or existed."""

    code = "unit_code_taken"
    title = "单位代码已存在"
    detail = "该单位代码已被使用。"


class UnknownDivision(Problem):
    """The code is not a published division code of GB/T 2260."""

    status = 400
    code = "unknown_division"
    title = "行政区划代码不存在"
    detail = "所填写的行政区划代码不存在。"


class LevelNotBelow(Problem):
    """The unit's level is not below that of its parent."""

    status = 400
    code = "level_not_below_parent"
    title = "单位层级不正确"
    detail = "下级单位的层级必须低于（或按规定等于）上级单位。"
