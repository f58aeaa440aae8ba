"""Permissions for units."""

from typing import Annotated

from fastapi import Depends

from authkit import acr
from authkit.dependencies import requires, requires_either
from authkit.errors import MembershipRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission

SCOPE = "identity"
"""The scope that a client needs, in addition to the audience, to use this API for a person."""

Member = Annotated[Principal, Depends(requires(scope=SCOPE))]
"""Any member of a unit."""

Person = Annotated[Principal, Depends(requires(scope=SCOPE, membership=False))]
"""Any person with an account."""


async def reader(principal: Person) -> Principal:
    """Return a member of a unit, or an administrator of the platform. Raises `MembershipRequired`."""
    if principal.acting is None and principal.platform_role is None:
        raise MembershipRequired
    return principal


NamesReader = Annotated[Principal, Depends(reader)]
"""Any member of a unit, and any administrator of the platform: resolves ids to names, finds and reads
units.
"""

UnitAdmin = Annotated[Principal, Depends(requires(scope=SCOPE, permission=Permission.UNITS_MANAGE))]
"""Manages the units of a subtree; a unit's administrator (单位管理员) does."""

ClientAdmin = Annotated[
    Principal,
    Depends(
        requires_either(scope=SCOPE, platform=Permission.PLATFORM_CLIENTS, unit=Permission.CLIENTS_MANAGE)
    ),
]
"""Sees the clients of a unit and of all units below; a system administrator (系统管理员) those of all."""

ClientChanger = Annotated[
    Principal,
    Depends(
        requires_either(
            scope=SCOPE,
            platform=Permission.PLATFORM_CLIENTS,
            unit=Permission.CLIENTS_MANAGE,
            acr=acr.MFA,
            max_age=acr.RECENT,
        )
    ),
]
"""Changes them and issues their secrets; a system administrator after signing in with a second factor."""

DirectoryReader = Annotated[
    Principal, Depends(requires(scope="directory:read", membership=False, clients=True))
]
"""A service that keeps a replica."""
