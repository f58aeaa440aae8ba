"""Who may do what with people."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import requires, requires_either
from authkit.errors import InsufficientScope, MembershipRequired, OutOfReach, PermissionRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission
from identity.units.auth import SCOPE


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

EntitlementReviewer = Annotated[
    Principal,
    Depends(
        requires_either(
            scope=SCOPE, platform=Permission.PLATFORM_ENTITLEMENTS, unit=Permission.ENTITLEMENTS_GRANT
        )
    ),
]
"""Reviews entitlements: of the own subtree, or of everybody as a security administrator of the platform."""

REFUSED = (InsufficientScope, MembershipRequired, PermissionRequired, OutOfReach)
"""Errors for a caller without the permission, and for a target out of reach."""
