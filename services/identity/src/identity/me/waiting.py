"""What waits for the caller's decision, counted."""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from authkit.principal import Principal
from contracts.vocabulary import Permission, PlatformRole
from identity.appointments.service import Appointments
from identity.entitlements.requests import EntitlementRequests
from identity.entitlements.service import Entitlements
from identity.joining.service import Joining
from identity.phones.recovery import Recoveries
from identity.platform.service import Platform
from identity.role_changes.service import RoleChanges

MOST_COUNTED = 1000
"""Counts are exact up to this number: for a badge, more is just many."""

NAMES = (
    "join_requests",
    "recoveries",
    "entitlement_requests",
    "access_reviews",
    "role_changes",
    "appointments",
)
"""What can wait, in the order of the answer."""


def concerns(
    permissions: Collection[str], platform_role: PlatformRole | None, *, acting: bool
) -> frozenset[str]:
    """Return which of `NAMES` somebody decides about, acting for a unit or not."""
    unit = {
        "join_requests": Permission.MEMBERS_ADMIT,
        "recoveries": Permission.ACCOUNTS_MANAGE,
        "entitlement_requests": Permission.ENTITLEMENTS_GRANT,
        "access_reviews": Permission.ENTITLEMENTS_GRANT,
    }
    found = {name for name, permission in unit.items() if acting and permission in permissions}
    if Permission.PLATFORM_ENTITLEMENTS in permissions:
        found.add("access_reviews")
    if platform_role is not None:
        found |= {"role_changes", "appointments"}
    return frozenset(found)


class Waiting:
    """The counts within one request."""

    def __init__(
        self,
        joining: Joining,
        recoveries: Recoveries,
        requests: EntitlementRequests,
        entitlements: Entitlements,
        role_changes: RoleChanges,
        appointments: Appointments,
        platform: Platform,
    ) -> None:
        self._platform = platform
        self._counts: dict[str, Callable[[Principal, int], Awaitable[int]]] = {
            "join_requests": joining.count_waiting,
            "recoveries": recoveries.count_waiting,
            "entitlement_requests": requests.count_waiting,
            "access_reviews": entitlements.count_due,
            "role_changes": role_changes.count_waiting,
            "appointments": appointments.count_waiting,
        }

    async def of(self, principal: Principal) -> dict[str, int]:
        """Return the number of things of each kind that wait for the caller, at most `MOST_COUNTED` + 1; 0 of
        what the caller does not decide about.
        """
        role = await self._platform.role_of(UUID(principal.sub))
        mine = concerns(principal.permissions, role, acting=principal.acting is not None)
        return {
            name: await count(principal, MOST_COUNTED + 1) if name in mine else 0
            for name, count in self._counts.items()
        }
