"""Errors of closing a unit."""

from servicekit.problems import Forbidden


class OwnUnit(Forbidden):
    """Administrators can close only units below their own."""

    code = "own_unit"
    title = "不能撤销本单位"
    detail = "不能撤销自己所在的单位，请由上级单位办理。"
