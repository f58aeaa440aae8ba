"""Errors of questions."""

from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.cells.errors import FiguresIncomplete
from replica.errors import UnitNotReplicated
from servicekit.problems import NotFound, Problem


class QuestionNotOffered(Problem):
    """A metric does not have the calendar, dimension or comparison asked for; `errors` says which."""

    code = "question_not_offered"
    title = "不提供这样的查询"
    detail = "所选指标不提供这样的查询，请按各处的说明调整；各指标可用的日历和维度见指标字典。"


class QuestionTooLarge(Problem):
    """The answer could have more figures than allowed; `detail` names both numbers."""

    code = "question_too_large"
    title = "查询范围过大"
    detail = "查询范围过大，请减少单位、时期、维度或指标。"


class RegionNotFound(NotFound):
    """There is no such region."""

    code = "region_not_found"
    title = "行政区划不存在"
    detail = "没有这个行政区划。"


class NoTerritory(Problem):
    """The caller's unit has no territory of its own."""

    code = "no_territory"
    title = "没有属地统计"
    detail = "本单位没有单独的行政区划，请按隶属关系查询。"


PLACE_REFUSALS = (
    *(UnitNotReplicated, UnitOutOfReach, UnitNotFound, FiguresIncomplete),
    *(RegionNotFound, NoTerritory),
)
"""What any endpoint with a place and figures may answer."""
