"""Roles, the permissions they consist of, and what the built-in ones allow."""

from collections.abc import Iterable, Mapping
from typing import Final

from contracts.words import Vocabulary


class Role(Vocabulary):
    """What a person may do in a unit (角色)."""

    UNIT_ADMIN = "unit_admin", "单位管理员"
    HANDLER = "handler", "经办人"
    REVIEWER = "reviewer", "审核人"
    APPROVER = "approver", "签发人"


class Permission(Vocabulary):
    """What a role allows (权限); endpoints require it, tokens carry it, `/me` lists it.

    Those of a unit apply to the unit and every unit below it; those of the platform to all of it.
    """

    UNITS_MANAGE = "units.manage", "管理下级单位"
    MEMBERS_READ = "members.read", "查看人员"
    MEMBERS_ADMIT = "members.admit", "邀请和审核人员"
    MEMBERS_MANAGE = "members.manage", "调整人员的角色和职务"
    MEMBERS_UNMASK = "members.unmask", "查看人员的完整手机号和证件号"
    ACCOUNTS_MANAGE = "accounts.manage", "停用账号和结束登录"
    ENTITLEMENTS_GRANT = "entitlements.grant", "授权进入其他系统"
    CLIENTS_MANAGE = "clients.manage", "管理接入系统"
    NOTICES_READ = "notices.read", "查看本单位的发文"
    NOTICES_DRAFT = "notices.draft", "起草通知"
    NOTICES_REVIEW = "notices.review", "审核通知"
    NOTICES_ISSUE = "notices.issue", "签发通知"
    NOTICES_RECEIVE = "notices.receive", "签收和转发通知"
    TEMPLATES_MANAGE = "templates.manage", "管理通知模板"
    NUMBERS_MANAGE = "numbers.manage", "管理发文字号"
    FILES_AUDIT = "files.audit", "查看文件下载记录"
    TASKS_DISTRIBUTE = "tasks.distribute", "转交和放回同事领取的待办"
    HELP_WRITE = "help.write", "编写帮助文章"
    FIGURES_CONTRIBUTE = "figures.contribute", "报送数据"
    STANDARDS_MANAGE = "standards.manage", "管理资助政策标准"
    PLATFORM_SETTINGS = "platform.settings", "管理平台设置"
    PLATFORM_CLIENTS = "platform.clients", "管理全部接入系统"
    PLATFORM_ACCOUNTS = "platform.accounts", "管理全部账号的状态和登录方式"
    PLATFORM_ROLES = "platform.roles", "管理角色和权限"
    PLATFORM_ENTITLEMENTS = "platform.entitlements", "复核系统授权"
    PLATFORM_KEYS = "platform.keys", "查看密钥状态"
    AUDIT_READ = "audit.read", "查阅审计日志"


class PlatformRole(Vocabulary):
    """One of the three separated administrators of the platform (三员分立); one person has one at most."""

    SYSTEM_ADMIN = "system_admin", "系统管理员"
    SECURITY_ADMIN = "security_admin", "安全管理员"
    AUDIT_ADMIN = "audit_admin", "审计管理员"


BUILT_IN: Final[Mapping[str, frozenset[Permission]]] = {
    Role.UNIT_ADMIN: frozenset(
        {
            Permission.UNITS_MANAGE,
            Permission.MEMBERS_READ,
            Permission.MEMBERS_ADMIT,
            Permission.MEMBERS_MANAGE,
            Permission.MEMBERS_UNMASK,
            Permission.ACCOUNTS_MANAGE,
            Permission.ENTITLEMENTS_GRANT,
            Permission.CLIENTS_MANAGE,
            Permission.NOTICES_READ,
            Permission.NOTICES_DRAFT,
            Permission.NOTICES_RECEIVE,
            Permission.TEMPLATES_MANAGE,
            Permission.NUMBERS_MANAGE,
            Permission.FILES_AUDIT,
            Permission.TASKS_DISTRIBUTE,
            Permission.HELP_WRITE,
            Permission.FIGURES_CONTRIBUTE,
            Permission.STANDARDS_MANAGE,
        }
    ),
    Role.HANDLER: frozenset(
        {
            Permission.MEMBERS_READ,
            Permission.NOTICES_READ,
            Permission.NOTICES_DRAFT,
            Permission.NOTICES_RECEIVE,
            Permission.FIGURES_CONTRIBUTE,
        }
    ),
    Role.REVIEWER: frozenset({Permission.MEMBERS_READ, Permission.NOTICES_READ, Permission.NOTICES_REVIEW}),
    Role.APPROVER: frozenset(
        {
            Permission.MEMBERS_READ,
            Permission.NOTICES_READ,
            Permission.NOTICES_DRAFT,
            Permission.NOTICES_REVIEW,
            Permission.NOTICES_ISSUE,
            Permission.NOTICES_RECEIVE,
            Permission.TEMPLATES_MANAGE,
            Permission.NUMBERS_MANAGE,
            Permission.FILES_AUDIT,
            Permission.HELP_WRITE,
        }
    ),
}
"""What the built-in roles allow. Identity's table `roles` holds the same, beside the custom roles.

A service asks for permissions of the token, never for these: they are for what has no token.
"""


def built_in_permissions(roles: Iterable[str]) -> frozenset[str]:
    """Return what built-in roles allow together; any other role allows nothing here."""
    return frozenset().union(*(BUILT_IN.get(role, frozenset()) for role in roles))
