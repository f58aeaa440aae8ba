"""Errors of units."""

from datetime import date

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


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


class OwnUnit(Forbidden):
    """Nobody closes, merges or moves the unit that they act for."""

    code = "own_unit"
    title = "不能对本单位执行此操作"
    detail = "本单位的撤销、合并和隶属变更由上级单位的管理员办理。"


class MoveIntoOwnSubtree(Problem):
    """The new parent is the unit itself or below it."""

    status = 400
    code = "move_into_own_subtree"
    title = "不能移到自己的下级"
    detail = "新的上级单位不能是该单位自己或其下级单位。"


class AlreadyBelow(Conflict):
    """The unit is already directly below the new parent."""

    code = "already_below"
    title = "上级单位没有变化"
    detail = "该单位已直接隶属于所选单位。"


class MergeLevelDiffers(Problem):
    """Only units of one level can be merged."""

    status = 400
    code = "merge_level_differs"
    title = "单位层级不同"
    detail = "只能并入同一层级的另一个单位。"


class NotAChild(Problem):
    """A unit is not an active unit directly below the one to split."""

    status = 400
    code = "not_a_child"
    title = "所选单位不是直接下级"
    detail = "只能划出该单位的正常状态的直接下级单位。"


class EffectiveInFuture(Problem):
    """The date of a change is in the future."""

    status = 400
    code = "effective_on_in_future"
    title = "生效日期晚于今天"
    detail = "生效日期不能晚于今天。"


class EffectiveTooEarly(Conflict):
    """A later change of the unit, of a unit below it or of a superior is recorded already."""

    code = "effective_on_too_early"
    title = "生效日期过早"
    detail = "该日期之后已有变更记录（该单位、其直接下级或上级单位），请选择较晚的生效日期。"

    def __init__(self, earliest: date) -> None:
        """Create the error; `earliest` is the first date that is possible."""
        super().__init__(
            f"该单位、其直接下级或上级单位在 {earliest:%Y-%m-%d} 有变更记录，生效日期不能早于这一天。"
        )


class NoUnitOnDay(NotFound):
    """The unit did not exist on that day."""

    code = "no_unit_on_day"
    title = "该日尚无此单位"
    detail = "所指定的日期，该单位尚未设立。"


class DayInFuture(Problem):
    """The tree is asked for on a day that has not come."""

    status = 400
    code = "day_in_future"
    title = "日期晚于今天"
    detail = "查询日期不能晚于今天（北京时间）。"


class DaySortedByPath(Problem):
    """The tree of a day is listed by path only."""

    status = 400
    code = "day_sorted_by_path"
    title = "不支持的排列方式"
    detail = "查询以往某日的单位时，只能按隶属关系排列。"
