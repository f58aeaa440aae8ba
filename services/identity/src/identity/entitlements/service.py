"""Entitlements to other systems: granted, reviewed, withdrawn, and lost with the membership."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from authkit.principal import Principal
from contracts.vocabulary import Audience, EntitlementRequestStatus, Permission
from identity.accounts.errors import NotYourself
from identity.audit.service import AuditLog
from identity.entitlements import rules
from identity.entitlements.errors import (
    EntitlementNotFound,
    NotEligible,
    OneLevelAbove,
    ReviewedAbove,
    UnknownEntitlement,
)
from identity.entitlements.models import Entitlement
from identity.entitlements.repository import EntitlementRepository, Held, ReviewSort
from identity.memberships.models import Profile
from identity.memberships.service import Memberships, path_of
from identity.revocations.service import Revocations
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest


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
        """Return a person's entitlements, for whichever unit, sorted."""
        return sorted({name for name, _ in await self._rows.names(sub, self._clock.now())})

    async def by_unit(self, sub: UUID, units: Iterable[UUID]) -> dict[UUID, list[str]]:
        """Return a person's entitlements when they act for each of `units`, sorted."""
        held = await self._rows.names(sub, self._clock.now())
        return {unit: sorted({name for name, of in held if of in (None, unit)}) for unit in units}

    async def entitle(self, principal: Principal, sub: UUID, name: str) -> Profile:
        """Grant a person an entitlement to another system for a year, without a request; idempotent. The same
        administrators grant it who decide about requests.

        Raises `UnknownEntitlement`, `NotYourself`, `OutOfReach`, `NotEligible`, `OneLevelAbove`.
        """
        if name not in rules.ENTITLEMENTS:
            raise UnknownEntitlement
        if str(sub) == principal.sub:
            raise NotYourself
        profile = await self._memberships.in_reach(principal, sub, lock=True)
        unit = profile.unit
        if unit is None or not rules.may_enter_cockpit(unit.level, unit.kind):
            raise NotEligible
        if not rules.decides(unit.level, unit.path, path_of(principal)):
            raise OneLevelAbove
        await self.grant(profile, name, UUID(principal.sub))
        return profile

    async def grant(self, profile: Profile, name: str, by: UUID) -> None:
        """Grant an entitlement for the person's primary unit; idempotent. The account is locked.

        Raises `NotEligible`.
        """
        unit, sub, now = profile.unit, profile.account.id, self._clock.now()
        if unit is None or not rules.may_enter_cockpit(unit.level, unit.kind):
            raise NotEligible
        held = await self._rows.lock(sub, name)
        if held is not None and held.expires_at > now and held.unit_id in (None, unit.id):
            return
        if held is not None:
            held.withdraw(by, now)
            await self._rows.flush()
        self._rows.add(
            Entitlement(
                id=new_id(),
                account_id=sub,
                unit_id=unit.id,
                name=name,
                granted_by=by,
                granted_at=now,
                expires_at=now + rules.LIFETIME,
            )
        )
        self._audit.record(actor=by, action="entitlement.granted", target=sub, name=name, unit=str(unit.id))

    async def withdraw(self, principal: Principal, sub: UUID, name: str) -> None:
        """Withdraw an entitlement and revoke the tokens for that system. Raises `EntitlementNotFound`."""
        await self._memberships.in_reach(principal, sub, lock=True)
        entitlement = await self._rows.lock(sub, name)
        if entitlement is None:
            raise EntitlementNotFound
        self._end(entitlement, UUID(principal.sub), "entitlement.withdrawn")

    async def withdraw_all(self, sub: UUID, by: UUID | None, unit_id: UUID) -> bool:
        """Withdraw a person's entitlements for a unit, and their undecided requests. Return whether there was
        one; the caller then revokes the tokens.
        """
        now = self._clock.now()
        held = [one for one in await self._rows.lock_all(sub) if one.unit_id in (None, unit_id)]
        for entitlement in held:
            entitlement.withdraw(by, now)
        for request in await self._rows.pending_of(sub):
            if request.unit_id == unit_id:
                request.decide(EntitlementRequestStatus.WITHDRAWN, by, now)
        return bool(held)

    async def follow(self, sub: UUID, former: UUID, present: UUID) -> None:
        """Let a person's entitlements for a unit that has been merged, and their undecided requests, be for
        the one that took it over.
        """
        for entitlement in await self._rows.lock_all(sub):
            if entitlement.unit_id == former:
                entitlement.unit_id = present
        for request in await self._rows.pending_of(sub):
            if request.unit_id == former:
                request.unit_id = present

    async def due(
        self, principal: Principal, name: str | None, sort: ReviewSort, paging: PageRequest
    ) -> Listed[Held]:
        """Return the entitlements for units below the caller's that end within `rules.REVIEW`; a security
        administrator of the platform sees all. `name` is a part of the person's name.
        """
        path = None if principal.may(Permission.PLATFORM_ENTITLEMENTS) else path_of(principal)
        return await self._rows.due(path, self._clock.now() + rules.REVIEW, name, sort, paging)

    async def count_due(self, principal: Principal, most: int) -> int:
        """Return the number of entitlements that are due for the caller's review, at most `most`."""
        path = None if principal.may(Permission.PLATFORM_ENTITLEMENTS) else path_of(principal)
        return await self._rows.count_due(path, self._clock.now() + rules.REVIEW, most)

    async def keep(self, principal: Principal, entitlement_id: UUID) -> datetime:
        """Prolong an entitlement by a year from now after a review. Return its new end.

        Raises `EntitlementNotFound`, `OutOfReach`, `NotYourself`, `ReviewedAbove`, `NotEligible`.
        """
        entitlement, profile = await self._reviewed(principal, entitlement_id)
        unit = next((of for _, of in profile.memberships if of.id == entitlement.unit_id), None)
        if unit is None or not rules.may_enter_cockpit(unit.level, unit.kind):
            raise NotEligible
        now = self._clock.now()
        entitlement.keep(UUID(principal.sub), now, now + rules.LIFETIME)
        self._audit.record(
            actor=principal.sub, action="entitlement.kept", target=profile.account.id, name=entitlement.name
        )
        return entitlement.expires_at

    async def drop(self, principal: Principal, entitlement_id: UUID) -> None:
        """Withdraw an entitlement after a review. Raises the errors of `keep` but `NotEligible`."""
        entitlement, _ = await self._reviewed(principal, entitlement_id)
        self._end(entitlement, UUID(principal.sub), "entitlement.withdrawn")

    async def expire(self, limit: int) -> int:
        """Withdraw entitlements whose time is over, of at most `limit` people. Return how many people."""
        subs = sorted(set(await self._rows.ended(self._clock.now(), limit)))
        for sub in subs:
            await self._memberships.lock_account(sub)
            for entitlement in await self._rows.lock_all(sub):
                if entitlement.expires_at <= self._clock.now():
                    self._end(entitlement, None, "entitlement.expired")
        return len(subs)

    async def load(self, people: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
        """Grant the cockpit to many people, each for a unit."""
        if people:
            await self._rows.bulk_insert(
                [
                    {
                        "id": new_id(),
                        "account_id": sub,
                        "unit_id": unit_id,
                        "name": rules.COCKPIT,
                        "granted_at": now,
                        "expires_at": now + rules.LIFETIME,
                    }
                    for sub, unit_id in people
                ]
            )

    async def _reviewed(self, principal: Principal, entitlement_id: UUID) -> tuple[Entitlement, Profile]:
        """Return an entitlement that the caller reviews, locked."""
        found = await self._rows.get(entitlement_id)
        if found is None:
            raise EntitlementNotFound
        if str(found.account_id) == principal.sub:
            raise NotYourself
        await self._memberships.lock_account(found.account_id)
        profile = await self._memberships.profile(found.account_id)
        unit = next((of for _, of in profile.memberships if of.id == found.unit_id), profile.unit)
        everywhere = principal.may(Permission.PLATFORM_ENTITLEMENTS)
        if not everywhere and (unit is None or not principal.reaches(unit.path)):
            raise OutOfReach
        if not everywhere and unit is not None and not rules.reviews(unit.path, path_of(principal)):
            raise ReviewedAbove
        entitlement = await self._rows.lock(found.account_id, found.name)
        if entitlement is None or entitlement.id != entitlement_id:
            raise EntitlementNotFound
        return entitlement, profile

    def _end(self, entitlement: Entitlement, by: UUID | None, action: str) -> None:
        sub = entitlement.account_id
        entitlement.withdraw(by, self._clock.now())
        self._revocations.revoke(sub, audience=Audience.of(entitlement.name), reason=action)
        self._audit.record(actor=by, action=action, target=sub, name=entitlement.name)
