"""Who may do what for the whole platform."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import requires
from authkit.errors import PermissionRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission
from identity.units.auth import SCOPE

_person = requires(scope=SCOPE, membership=False)


async def _administrator(principal: Annotated[Principal, Depends(_person)]) -> Principal:
    if principal.platform_role is None:
        raise PermissionRequired
    return principal


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
