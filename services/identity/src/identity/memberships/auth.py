"""Who may do what with people."""

from typing import Annotated

from fastapi import Depends

from authkit import acr
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


def _reviewer(level: str | None = None, max_age: int | None = None) -> object:
    return Depends(
        requires_either(
            scope=SCOPE,
            platform=Permission.PLATFORM_ENTITLEMENTS,
            unit=Permission.ENTITLEMENTS_GRANT,
            acr=level,
            max_age=max_age,
        )
    )


EntitlementReviewer = Annotated[Principal, _reviewer()]
"""Sees what is to be reviewed: of the own subtree, or of everybody as a security administrator of the
platform.
"""

StrongEntitlementReviewer = Annotated[Principal, _reviewer(acr.MFA, acr.SITTING)]
"""Decides about it. An administrator of the platform has signed in with a second factor within the last hour:
one step-up opens the review for its length (RFC 9470).
"""

REFUSED = (InsufficientScope, MembershipRequired, PermissionRequired, OutOfReach)
"""Errors for a caller without the permission, and for a target out of reach."""
