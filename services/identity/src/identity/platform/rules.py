"""What the three administrators of the platform may do. None of them sees the content of cases."""

from collections.abc import Mapping

from contracts.vocabulary import Permission, PlatformRole

PERMISSIONS: Mapping[str, frozenset[str]] = {
    PlatformRole.SYSTEM_ADMIN: frozenset({Permission.PLATFORM_SETTINGS, Permission.PLATFORM_CLIENTS}),
    PlatformRole.SECURITY_ADMIN: frozenset(
        {
            Permission.PLATFORM_ACCOUNTS,
            Permission.PLATFORM_ROLES,
            Permission.PLATFORM_ENTITLEMENTS,
            Permission.PLATFORM_KEYS,
        }
    ),
    PlatformRole.AUDIT_ADMIN: frozenset({Permission.AUDIT_READ}),
}
"""In code, not as data: the separation is a rule of the platform, which no administrator changes."""


def helper_of(role: PlatformRole | None) -> str:
    """Return whom a person asks about their account: an administrator of the platform belongs to no unit."""
    return "本单位管理员" if role is None else "安全管理员或平台运维单位"
