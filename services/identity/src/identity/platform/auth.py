"""Who may do what for the whole platform."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import requires
from authkit.errors import MembershipRequired, PermissionRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission
from identity.units.auth import SCOPE
from servicekit.permissions import requiring

_person = requires(scope=SCOPE, membership=False)


async def _administrator(principal: Annotated[Principal, Depends(_person)]) -> Principal:
    if principal.platform_role is None:
        raise PermissionRequired
    return principal


async def _reader(principal: Annotated[Principal, Depends(_person)]) -> Principal:
    if principal.acting is None and principal.platform_role is None:
        raise MembershipRequired
    return principal


NamesReader = Annotated[Principal, Depends(_reader)]
"""Any member of a unit, and any administrator of the platform: resolves ids to names, and finds units."""


async def _people_finder(principal: Annotated[Principal, Depends(_reader)]) -> Principal:
    if principal.acting is None and not (
        principal.may(Permission.PLATFORM_ACCOUNTS) or principal.may(Permission.AUDIT_READ)
    ):
        raise PermissionRequired
    return principal


PeopleFinder = Annotated[Principal, Depends(_people_finder)]
"""Finds people by name: any member of a unit, and the two administrators of the platform whose duty is about
people: 安全管理员 (appoints, suspends) and 审计管理员 (whose actions to look up).
"""


@requiring(Permission.PLATFORM_ACCOUNTS, Permission.MEMBERS_READ)
async def _account_reader(principal: Annotated[Principal, Depends(_person)]) -> Principal:
    if principal.may(Permission.PLATFORM_ACCOUNTS):
        return principal
    if principal.acting is None:
        raise MembershipRequired
    if not principal.may(Permission.MEMBERS_READ):
        raise PermissionRequired
    return principal


AccountReader = Annotated[Principal, Depends(_account_reader)]
"""Sees people: of the own subtree, or everybody as 安全管理员."""


@requiring(Permission.PLATFORM_ACCOUNTS, Permission.MEMBERS_ADMIT)
async def _phone_finder(principal: Annotated[Principal, Depends(_person)]) -> Principal:
    if principal.may(Permission.PLATFORM_ACCOUNTS):
        return principal
    if principal.acting is None:
        raise MembershipRequired
    if not principal.may(Permission.MEMBERS_ADMIT):
        raise PermissionRequired
    return principal


PhoneFinder = Annotated[Principal, Depends(_phone_finder)]
"""Finds a person by a complete number: whoever admits people to units, and 安全管理员."""

PlatformAdmin = Annotated[Principal, Depends(_administrator)]
"""Any of the three administrators of the platform."""

SecurityAdmin = Annotated[
    Principal, Depends(requires(scope=SCOPE, permission=Permission.PLATFORM_ACCOUNTS, membership=False))
]
"""安全管理员: accounts of everybody."""

KeyWatcher = Annotated[
    Principal, Depends(requires(scope=SCOPE, permission=Permission.PLATFORM_KEYS, membership=False))
]
"""安全管理员: the state of keys."""

RoleDefiner = Annotated[
    Principal, Depends(requires(scope=SCOPE, permission=Permission.PLATFORM_ROLES, membership=False))
]
"""安全管理员: roles and their permissions."""

SettingsReader = Annotated[
    Principal, Depends(requires(scope=SCOPE, permission=Permission.PLATFORM_SETTINGS, membership=False))
]
"""系统管理员: the settings of the platform."""
