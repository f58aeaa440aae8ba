"""Errors of changes of roles."""

from servicekit.problems import Conflict, NotFound, Problem


class PermissionNotForUnits(Problem):
    """A permission does not exist, or belongs to an administrator of the platform."""

    status = 400
    code = "permission_not_for_units"
    title = "权限不能授予单位角色"
    detail = "单位角色至少有一项权限，并且只能包含单位的权限，不能包含平台三员的权限。"


class RoleChangeNotFound(NotFound):
    """There is no such change."""

    code = "role_change_not_found"
    title = "角色变更不存在"
    detail = "所指定的角色变更不存在。"


class RoleChangeDecided(Conflict):
    """The change was confirmed or refused before."""

    code = "role_change_decided"
    title = "角色变更已处理"
    detail = "该角色变更已处理，不能再次处理。"


class RoleChangePending(Conflict):
    """Another change of the role waits."""

    code = "role_change_pending"
    title = "已有待确认的变更"
    detail = "该角色已有一项变更等待确认，请先处理。"
