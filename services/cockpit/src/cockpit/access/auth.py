"""Admission to the cockpit.

The order of the checks determines the error: a school's teacher learns that the cockpit is not for schools,
not that a permission is missing.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from authkit.dependencies import REFUSALS as TOKEN_REFUSALS
from authkit.dependencies import Authenticated
from authkit.errors import EntitlementRequired, InsufficientScope, MembershipRequired, PermissionRequired
from authkit.principal import Principal
from cockpit.access import rules
from cockpit.access.errors import KindNotAdmitted, LevelNotAdmitted
from contracts.vocabulary import Permission
from servicekit.permissions import requiring

REFUSALS = (
    *TOKEN_REFUSALS,
    InsufficientScope,
    MembershipRequired,
    LevelNotAdmitted,
    KindNotAdmitted,
    EntitlementRequired,
)
"""What any endpoint of the cockpit may answer to somebody who does not get in."""


def access(*scopes: str, permissions: tuple[str, ...] = ()) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that admits the cockpit's users with one of `scopes` and one of `permissions`."""

    @requiring(*permissions)
    async def check(principal: Authenticated) -> Principal:
        if principal.scope.isdisjoint(scopes):
            raise InsufficientScope
        if principal.acting is None:
            raise MembershipRequired
        if principal.acting.level not in rules.LEVELS:
            raise LevelNotAdmitted
        if principal.acting.kind != rules.KIND:
            raise KindNotAdmitted
        if rules.ENTITLEMENT not in principal.entitlements:
            raise EntitlementRequired
        if permissions and not principal.may(*permissions):
            raise PermissionRequired
        return principal

    return check


Viewer = Annotated[Principal, Depends(access(rules.READ))]
"""Looks at figures."""

Contributor = Annotated[Principal, Depends(access(rules.WRITE, permissions=(Permission.FIGURES_CONTRIBUTE,)))]
"""Brings figures in and takes them back."""

BatchReader = Annotated[Principal, Depends(access(rules.READ, rules.WRITE))]
"""Looks at what was brought in: viewers, and contributors whose client asked for `cockpit:write` only."""
