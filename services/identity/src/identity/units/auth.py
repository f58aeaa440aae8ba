"""Permissions for units."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import requires
from authkit.errors import MembershipRequired, PermissionRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission
from servicekit.permissions import requiring

SCOPE = "identity"
"""The scope that a client needs, in addition to the audience, to use this API for a person."""

Member = Annotated[Principal, Depends(requires(scope=SCOPE))]
"""Any member of a unit."""

Person = Annotated[Principal, Depends(requires(scope=SCOPE, membership=False))]
"""Any person with an account."""

UnitAdmin = Annotated[Principal, Depends(requires(scope=SCOPE, permission=Permission.UNITS_MANAGE))]
"""Manages the units of a subtree; a unit's administrator (单位管理员) does."""

_person = requires(scope=SCOPE, membership=False)


@requiring(Permission.PLATFORM_CLIENTS, Permission.CLIENTS_MANAGE)
async def _client_admin(principal: Annotated[Principal, Depends(_person)]) -> Principal:
    if principal.may(Permission.PLATFORM_CLIENTS):
        return principal
    if principal.acting is None:
        raise MembershipRequired
    if not principal.may(Permission.CLIENTS_MANAGE):
        raise PermissionRequired
    return principal


ClientAdmin = Annotated[Principal, Depends(_client_admin)]
"""Manages the clients of a unit and of all units below; a system administrator (系统管理员) those of all."""

DirectoryReader = Annotated[
    Principal, Depends(requires(scope="directory:read", membership=False, clients=True))
]
"""A service that keeps a replica."""
