"""Closing a unit, with everything that belongs to it."""

from uuid import UUID

from authkit.principal import Principal
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.closing.errors import OwnUnit
from identity.entitlements.service import Entitlements
from identity.joining.service import Joining
from identity.memberships.service import Memberships
from identity.revocations.service import Revocations
from identity.units.models import Unit
from identity.units.service import Units


class Closing:
    """Closes units within one request."""

    def __init__(
        self,
        units: Units,
        accounts: Accounts,
        memberships: Memberships,
        entitlements: Entitlements,
        joining: Joining,
        revocations: Revocations,
        audit: AuditLog,
    ) -> None:
        self._units = units
        self._accounts = accounts
        self._memberships = memberships
        self._entitlements = entitlements
        self._joining = joining
        self._revocations = revocations
        self._audit = audit

    async def close_unit(self, principal: Principal, unit_id: UUID) -> Unit:
        """Close a unit below the caller's own.

        Its people lose their membership there; those of no other unit also lose their entitlements. Their
        tokens are revoked, and pending join requests are rejected.
        Raises `UnitNotFound`, `OutOfReach`, `OwnUnit`, `UnitNotEmpty`, `UnitClosed`.
        """
        if principal.acting is not None and principal.acting.unit == unit_id:
            raise OwnUnit
        unit = await self._units.close(principal, unit_id)
        by = UUID(principal.sub)
        for sub in await self._memberships.accounts_of(unit.id):
            account = await self._accounts.get(sub, lock=True)
            membership, _ = await self._memberships.belonging(sub, unit.id, lock=True)
            if membership.is_primary:
                await self._entitlements.withdraw_all(sub, by)
            await self._memberships.end(account, membership, "unit closed")
            self._revocations.revoke(sub, reason="unit closed")
        await self._joining.reject_all(unit.id, by, "单位已撤销")
        self._audit.record(actor=principal.sub, action="unit.closed", target=unit.id)
        return unit
