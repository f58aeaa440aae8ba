"""Errors of roles."""

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


class UnknownRole(Problem):
    """The role does not exist."""

    status = 400
    code = "unknown_role"
    title = "角色不存在"
    detail = "所指定的角色不存在。"


class RoleNotFound(NotFound):
    """There is no such role."""

    code = "role_not_found"
    title = "角色不存在"
    detail = "所指定的角色不存在。"


class RoleExists(Conflict):
    """Another role, perhaps a retired one, has the code, or one in use has the name."""

    code = "role_exists"
    title = "角色已存在"
    detail = "已有相同代码或名称的角色；已停用角色的代码不能再用。"


class BuiltInRole(Conflict):
    """Built-in roles do not change."""

    code = "built_in_role"
    title = "内置角色不能变更"
    detail = "单位管理员、经办人、审核人、签发人是内置角色，不能调整或停用。"


class RoleRetired(Conflict):
    """The role is retired."""

    code = "role_retired"
    title = "角色已停用"
    detail = "该角色已停用，不能再调整。"


class RoleNotGrantable(Forbidden):
    """The role has permissions that the caller neither holds nor may pass on."""

    code = "role_not_grantable"
    title = "不能授予该角色"
    detail = "该角色包含您没有的权限，请由具备该权限的管理员授予。"
