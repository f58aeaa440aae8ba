"""Errors of roles."""

from servicekit.problems import Forbidden, Problem


class UnknownRole(Problem):
    """The role does not exist."""

    status = 400
    code = "unknown_role"
    title = "角色不存在"
    detail = "所指定的角色不存在。"


class RoleNotGrantable(Forbidden):
    """The role has permissions that the caller neither holds nor may pass on."""

    code = "role_not_grantable"
    title = "不能授予该角色"
    detail = "该角色包含您没有的权限，请由具备该权限的管理员授予。"
