"""Who may do what with people."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import requires
from authkit.errors import InsufficientScope, MembershipRequired, OutOfReach, PermissionRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission
from identity.units.auth import SCOPE
from servicekit.permissions import requiring


def _may(permission: Permission) -> object:
    return Depends(requires(scope=SCOPE, permission=permission))


PeopleReader = Annotated[Principal, _may(Permission.MEMBERS_READ)]
"""Sees the people of the own unit and of all units below."""

Admitter = Annotated[Principal, _may(Permission.MEMBERS_ADMIT)]
"""Invites people and decides about requests."""

PeopleManager = Annotated[Principal, _may(Permission.MEMBERS_MANAGE)]
"""Changes roles and posts, and ends memberships."""

AccountManager = Annotated[Principal, _may(Permission.ACCOUNTS_MANAGE)]
"""Suspends accounts and ends sessions."""

EntitlementGranter = Annotated[Principal, _may(Permission.ENTITLEMENTS_GRANT)]
"""Grants entitlements to other systems."""

_person = requires(scope=SCOPE, membership=False)


@requiring(Permission.PLATFORM_ENTITLEMENTS, Permission.ENTITLEMENTS_GRANT)
async def _reviewer(principal: Annotated[Principal, Depends(_person)]) -> Principal:
    if principal.may(Permission.PLATFORM_ENTITLEMENTS):
        return principal
    if principal.acting is None:
        raise MembershipRequired
    if not principal.may(Permission.ENTITLEMENTS_GRANT):
        raise PermissionRequired
    return principal


EntitlementReviewer = Annotated[Principal, Depends(_reviewer)]
"""Reviews entitlements: of the own subtree, or of everybody as a security administrator of the platform."""

REFUSED = (InsufficientScope, MembershipRequired, PermissionRequired, OutOfReach)
"""Errors for a caller without the permission, and for a target out of reach."""
