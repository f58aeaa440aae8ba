"""Suspending accounts and restoring them: by administrators of units, and by those of the platform."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import Role
from identity.accounts.errors import NotYourself
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.memberships.errors import LastAdministrator
from identity.memberships.models import Profile
from identity.memberships.repository import MembershipRepository
from identity.memberships.service import Memberships, path_of
from identity.sessions.service import Sessions
from identity.units.models import Unit
from identity.units.service import Units


class Suspensions:
    """Suspensions for one request; locks are taken as by `Memberships`."""

    def __init__(
        self,
        session: AsyncSession,
        accounts: Accounts,
        units: Units,
        memberships: Memberships,
        sessions: Sessions,
        audit: AuditLog,
    ) -> None:
        self._accounts = accounts
        self._units = units
        self._memberships = memberships
        self._sessions = sessions
        self._audit = audit
        self._rows = MembershipRepository(session)

    async def suspend(self, principal: Principal, sub: UUID, reason: str) -> Profile:
        """Suspend an account: its sessions end and its tokens are revoked.

        Raises `AccountNotFound`, `OutOfReach`, `NotYourself`, `AccountNotActive`, `LastAdministrator`.
        """
        units = await self._lock_tops(sub)
        # Two administrators of one unit who suspend each other wait for each other here.
        if principal.acting is not None:
            units.append(await self._units.get(principal.acting.unit, lock=True))
        profile = await self._of_somebody_else(principal, sub)
        await self._keep_administered(units, sub)
        profile.account.suspend(path_of(principal))
        await self._memberships.publish(profile.account)
        await self._sessions.end_all(sub, "account suspended")
        self._audit.record(actor=principal.sub, action="account.suspended", target=sub, reason=reason)
        return profile

    async def restore(self, principal: Principal, sub: UUID, reason: str) -> Profile:
        """Restore a suspended account.

        Raises the errors of `suspend`, and `AccountNotSuspended`, `SuspendedAbove`.
        """
        profile = await self._of_somebody_else(principal, sub)
        profile.account.restore(path_of(principal))
        await self._memberships.publish(profile.account)
        self._audit.record(actor=principal.sub, action="account.restored", target=sub, reason=reason)
        return profile

    async def suspend_anywhere(self, by: UUID, sub: UUID, reason: str) -> Profile:
        """Suspend an account as a security administrator of the platform; no unit can restore it.

        Raises `NotYourself`, `AccountNotFound`, `AccountNotActive`, `LastAdministrator`.
        """
        units = await self._lock_tops(sub)
        profile = await self._anybody_else(by, sub)
        await self._keep_administered(units, sub)
        profile.account.suspend("")
        await self._memberships.publish(profile.account)
        await self._sessions.end_all(sub, "account suspended")
        self._audit.record(actor=by, action="account.suspended", target=sub, reason=reason, platform=True)
        return profile

    async def restore_anywhere(self, by: UUID, sub: UUID, reason: str) -> Profile:
        """Restore an account that anybody has suspended.

        Raises `NotYourself`, `AccountNotFound`, `AccountNotSuspended`.
        """
        profile = await self._anybody_else(by, sub)
        profile.account.restore("")
        await self._memberships.publish(profile.account)
        self._audit.record(actor=by, action="account.restored", target=sub, reason=reason, platform=True)
        return profile

    async def _of_somebody_else(self, principal: Principal, sub: UUID) -> Profile:
        if str(sub) == principal.sub:
            raise NotYourself
        return await self._memberships.in_reach(principal, sub, lock=True)

    async def _anybody_else(self, by: UUID, sub: UUID) -> Profile:
        if by == sub:
            raise NotYourself
        await self._accounts.get(sub, lock=True)
        return await self._memberships.profile(sub)

    async def _lock_tops(self, sub: UUID) -> list[Unit]:
        """Lock the units at the top of the tree that a person administers, before the account: nobody above
        could appoint an administrator there.
        """
        belonging = sorted(await self._rows.active(sub), key=lambda one: one[1].path)
        tops = [of.id for one, of in belonging if of.parent_id is None and Role.UNIT_ADMIN in one.roles]
        return [await self._units.get(unit_id, lock=True) for unit_id in tops]

    async def _keep_administered(self, units: Sequence[Unit], sub: UUID) -> None:
        """Raise `LastAdministrator` if one of the locked units would be without, if a person were away."""
        for unit in units:
            if not await self._rows.administrators(unit.id, besides=sub):
                raise LastAdministrator
