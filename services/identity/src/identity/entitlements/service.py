"""Entitlements to other systems: granted, withdrawn, and lost with the membership."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import Audience
from identity.accounts.errors import NotYourself
from identity.audit.service import AuditLog
from identity.entitlements import rules
from identity.entitlements.errors import EntitlementNotFound, NotEligible, UnknownEntitlement
from identity.entitlements.models import Entitlement
from identity.entitlements.repository import EntitlementRepository
from identity.memberships.models import Profile
from identity.memberships.service import Memberships
from identity.revocations.service import Revocations
from servicekit.clock import Clock
from servicekit.ids import new_id


class Entitlements:
    """Entitlements for one request. The account is locked before them."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        memberships: Memberships,
        revocations: Revocations,
        audit: AuditLog,
    ) -> None:
        self._clock = clock
        self._memberships = memberships
        self._revocations = revocations
        self._audit = audit
        self._rows = EntitlementRepository(session)

    async def names(self, sub: UUID) -> list[str]:
        """Return a person's entitlements, sorted."""
        return await self._rows.names(sub)

    async def entitle(self, principal: Principal, sub: UUID, name: str) -> Profile:
        """Grant a person an entitlement to another system; idempotent.

        Raises `UnknownEntitlement`, `NotYourself`, `OutOfReach`, `NotEligible`.
        """
        if name not in rules.ENTITLEMENTS:
            raise UnknownEntitlement
        if str(sub) == principal.sub:
            raise NotYourself
        profile = await self._memberships.in_reach(principal, sub, lock=True)
        assert profile.unit is not None
        if not rules.may_enter_cockpit(profile.unit.level, profile.unit.kind):
            raise NotEligible
        if name not in await self._rows.names(sub):
            self._rows.add(
                Entitlement(
                    id=new_id(),
                    account_id=sub,
                    name=name,
                    granted_by=UUID(principal.sub),
                    granted_at=self._clock.now(),
                )
            )
            self._audit.record(actor=principal.sub, action="entitlement.granted", target=sub, name=name)
        return profile

    async def withdraw(self, principal: Principal, sub: UUID, name: str) -> None:
        """Withdraw an entitlement and revoke the tokens for that system. Raises `EntitlementNotFound`."""
        await self._memberships.in_reach(principal, sub, lock=True)
        entitlement = await self._rows.lock(sub, name)
        if entitlement is None:
            raise EntitlementNotFound
        entitlement.withdraw(UUID(principal.sub), self._clock.now())
        self._revocations.revoke(sub, audience=Audience.COCKPIT, reason="entitlement withdrawn")
        self._audit.record(actor=principal.sub, action="entitlement.withdrawn", target=sub, name=name)

    async def withdraw_all(self, sub: UUID, by: UUID | None) -> None:
        """Withdraw a person's entitlements; the caller revokes the tokens."""
        for entitlement in await self._rows.lock_all(sub):
            entitlement.withdraw(by, self._clock.now())

    async def load(self, subs: Sequence[UUID], now: datetime) -> None:
        """Grant the cockpit to many people."""
        if subs:
            await self._rows.bulk_insert(
                [
                    {"id": new_id(), "account_id": sub, "name": rules.COCKPIT, "granted_at": now}
                    for sub in subs
                ]
            )
