"""Delegation of roles for a time."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import DelegationEnding, Permission
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.delegations import rules
from identity.delegations.errors import BadPeriod, DelegateNotMember, DelegationNotFound, RoleNotHeld
from identity.delegations.models import Delegation
from identity.delegations.repository import Delegated, DelegationRepository, Running
from identity.delegations.schemas import DelegationIn
from identity.memberships.errors import MembershipNotFound
from identity.memberships.service import Memberships
from identity.revocations.service import Revocations
from identity.units.service import Units
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest


class Delegations:
    """Delegations for one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        units: Units,
        memberships: Memberships,
        revocations: Revocations,
        audit: AuditLog,
    ) -> None:
        self._clock = clock
        self._accounts = accounts
        self._units = units
        self._memberships = memberships
        self._revocations = revocations
        self._audit = audit
        self._rows = DelegationRepository(session)

    async def create(self, sub: UUID, new: DelegationIn) -> Delegated:
        """Delegate some of a person's own roles in a unit to another member of it.

        Raises `MembershipNotFound`, `BadPeriod`, `RoleNotHeld`, `DelegateNotMember`,
        `NoUnitForAdministrators`.
        """
        now = self._clock.now()
        if not rules.fits(new.starts_at, new.ends_at, now):
            raise BadPeriod
        await self._accounts.get(sub, lock=True)
        mine, _ = await self._memberships.belonging(sub, new.unit_id)
        if not set(new.roles) <= set(mine.roles):
            raise RoleNotHeld
        if new.to == sub:
            raise DelegateNotMember
        try:
            theirs, _ = await self._memberships.belonging(new.to, new.unit_id)
        except MembershipNotFound as error:
            raise DelegateNotMember from error
        for one in (sub, new.to):
            await self._memberships.check_may_belong(one)
        row = Delegation(
            id=new_id(),
            unit_id=new.unit_id,
            from_membership_id=mine.id,
            to_membership_id=theirs.id,
            roles=sorted(set(new.roles)),
            reason=new.reason,
            starts_at=max(new.starts_at, now),
            ends_at=new.ends_at,
            created_at=now,
        )
        self._rows.add(row)
        self._audit.record(
            actor=sub, action="delegation.created", target=row.id, to=str(new.to), roles=row.roles
        )
        return await self._whole(row.id)

    async def revoke(self, principal: Principal, delegation_id: UUID) -> Delegated:
        """End a delegation early: the delegator, or whoever manages the people of the unit. Idempotent.

        Raises `DelegationNotFound`.
        """
        found = await self._rows.whole(delegation_id)
        if found is None or not await self._may_revoke(principal, found):
            raise DelegationNotFound
        return await self._revoke(found, UUID(principal.sub))

    async def given(self, sub: UUID, delegation_id: UUID) -> Delegated:
        """Return a delegation that a person gave. Raises `DelegationNotFound`."""
        found = await self._rows.whole(delegation_id)
        if found is None or found.giver.id != sub:
            raise DelegationNotFound
        return found

    async def end(self, sub: UUID, delegation_id: UUID) -> Delegated:
        """End a delegation early that a person gave; idempotent. Raises `DelegationNotFound`."""
        return await self._revoke(await self.given(sub, delegation_id), sub)

    async def _revoke(self, found: Delegated, by: UUID) -> Delegated:
        delegation_id = found.delegation.id
        row = await self._rows.lock(delegation_id)
        if row is not None and row.end(by, self._clock.now(), DelegationEnding.REVOKED):
            self._revocations.revoke(found.taker.id, reason="delegation revoked")
            self._audit.record(actor=by, action="delegation.revoked", target=row.id)
        return await self._whole(delegation_id)

    async def of_person(
        self, sub: UUID, paging: PageRequest, *, running: bool | None = None
    ) -> Listed[Delegated]:
        """Return the delegations that a person gave or received, latest first; with `running` only those that
        run now, or that do not.
        """
        return await self._rows.of_person(sub, paging, self._running(running))

    async def of_unit(
        self, principal: Principal, unit_id: UUID, paging: PageRequest, *, running: bool | None = None
    ) -> Listed[Delegated]:
        """Return the delegations in a unit of the caller's subtree, latest first; `running` as in
        `of_person`.

        Raises `UnitNotFound`, `OutOfReach`.
        """
        unit = await self._units.within_reach(principal, unit_id)
        return await self._rows.of_unit(unit.id, paging, self._running(running))

    def _running(self, wanted: bool | None) -> Running | None:
        return None if wanted is None else Running(self._clock.now(), wanted)

    async def received(self, membership_id: UUID) -> set[str]:
        """Return the roles that are delegated to a membership now."""
        found = await self._rows.active_to(membership_id, self._clock.now())
        return {role for one in found for role in one.delegation.roles if role in one.giver_roles}

    async def end_all(self, membership_id: UUID, by: UUID, cause: DelegationEnding) -> None:
        """End the delegations from and to a membership that ends, and revoke the tokens of the delegates."""
        now = self._clock.now()
        for row, delegate in await self._rows.lock_of(membership_id, now):
            if row.end(by, now, cause):
                self._revocations.revoke(delegate, reason="delegation ended")
                self._audit.record(actor=by, action="delegation.ended", target=row.id, cause=cause.value)

    async def narrowed(self, membership_id: UUID) -> None:
        """Revoke the tokens of the delegates of a membership that has lost roles."""
        for row, delegate in await self._rows.lock_of(membership_id, self._clock.now()):
            if row.from_membership_id == membership_id:
                self._revocations.revoke(delegate, reason="delegated roles changed")

    async def _may_revoke(self, principal: Principal, found: Delegated) -> bool:
        if str(found.giver.id) == principal.sub:
            return True
        unit = await self._units.get(found.delegation.unit_id)
        return principal.may(Permission.MEMBERS_MANAGE) and principal.reaches(unit.path)

    async def _whole(self, delegation_id: UUID) -> Delegated:
        found = await self._rows.whole(delegation_id)
        if found is None:
            raise DelegationNotFound
        return found
