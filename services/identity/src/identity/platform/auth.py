"""Who may do what for the whole platform.

What changes people, roles or the administrators themselves takes a sign-in with a second factor a moment ago
(RFC 9470): the `Strong…` types. Reading does not.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from authkit import acr
from authkit.dependencies import requires, requires_either
from authkit.errors import InsufficientUserAuthentication, PermissionRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission
from identity.units.auth import SCOPE, NamesReader
from servicekit.permissions import stepping_up

_Check = Callable[[Principal], Awaitable[Principal]]
_person = requires(scope=SCOPE, membership=False)
_strong_person = requires(scope=SCOPE, membership=False, acr=acr.MFA, max_age=acr.RECENT)


def _may(permission: Permission) -> _Check:
    return requires(scope=SCOPE, permission=permission, membership=False)


def _may_strongly(permission: Permission) -> _Check:
    return requires(scope=SCOPE, permission=permission, membership=False, acr=acr.MFA, max_age=acr.RECENT)


async def _administrator(principal: Annotated[Principal, Depends(_person)]) -> Principal:
    if principal.platform_role is None:
        raise PermissionRequired
    return principal


@stepping_up(acr.MFA, acr.RECENT, InsufficientUserAuthentication)
async def _strong_administrator(principal: Annotated[Principal, Depends(_administrator)]) -> Principal:
    return await _strong_person(principal)


async def _people_finder(principal: NamesReader) -> Principal:
    if principal.acting is None and not (
        principal.may(Permission.PLATFORM_ACCOUNTS) or principal.may(Permission.AUDIT_READ)
    ):
        raise PermissionRequired
    return principal


PeopleFinder = Annotated[Principal, Depends(_people_finder)]
"""Finds people by name: any member of a unit, and the two administrators of the platform whose duty is about
people: 安全管理员 (appoints, suspends) and 审计管理员 (whose actions to look up).
"""

AccountReader = Annotated[
    Principal,
    Depends(
        requires_either(scope=SCOPE, platform=Permission.PLATFORM_ACCOUNTS, unit=Permission.MEMBERS_READ)
    ),
]
"""Sees people: of the own subtree, or everybody as 安全管理员."""

PhoneFinder = Annotated[
    Principal,
    Depends(
        requires_either(scope=SCOPE, platform=Permission.PLATFORM_ACCOUNTS, unit=Permission.MEMBERS_ADMIT)
    ),
]
"""Finds a person by a complete number: whoever admits people to units, and 安全管理员."""

PlatformAdmin = Annotated[Principal, Depends(_administrator)]
"""Any of the three administrators of the platform."""

StrongPlatformAdmin = Annotated[Principal, Depends(_strong_administrator)]
"""The same, just signed in with a second factor: decides about proposals."""

StrongSecurityAdmin = Annotated[Principal, Depends(_may_strongly(Permission.PLATFORM_ACCOUNTS))]
"""安全管理员 who has just signed in with a second factor: changes accounts of everybody, proposes."""

KeyWatcher = Annotated[Principal, Depends(_may(Permission.PLATFORM_KEYS))]
"""安全管理员: the state of keys."""

StrongRoleDefiner = Annotated[Principal, Depends(_may_strongly(Permission.PLATFORM_ROLES))]
"""安全管理员 who has just signed in with a second factor: roles and their permissions."""

SettingsReader = Annotated[Principal, Depends(_may(Permission.PLATFORM_SETTINGS))]
"""系统管理员: the settings of the platform."""
