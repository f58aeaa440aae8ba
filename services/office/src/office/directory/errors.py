"""Errors about the caller's own unit."""

from office.actors import REFUSALS as ACTOR_REFUSALS
from replica.errors import UnitNotReplicated
from servicekit.problems import Problem


class UnitInactive(Problem):
    """The caller's unit has been closed."""

    status = 403
    code = "unit_inactive"
    title = "单位已停用"
    detail = "您所在的单位已停用，不能办理业务。"


REFUSALS = (*ACTOR_REFUSALS, UnitInactive, UnitNotReplicated)
"""What any endpoint for members of a unit may answer."""
