"""Joining and leaving a unit, and entitlements to other systems."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import MembershipRequired, OutOfReach
from authkit.principal import Principal
from contracts.identity import PersonChangedV1
from contracts.vocabulary import Audience, JoinRequestStatus, UnitStatus
from identity.accounts.errors import NotYourself
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.base import outbox
from identity.memberships import rules
from identity.memberships.errors import (
    AlreadyMember,
    AlreadyRequested,
    EntitlementNotFound,
    InviteInvalid,
    InviteNotFound,
    JoinRequestNotFound,
    NotEligible,
    OwnRequest,
    OwnUnit,
    UnknownEntitlement,
)
from identity.memberships.models import Entitlement, Invite, JoinRequest, Membership, Profile
from identity.memberships.repository import MembershipRepository
from identity.memberships.schemas import InviteIn
from identity.revocations.service import Revocations
from identity.sessions.service import Sessions
from identity.units.errors import UnitClosed
from identity.units.models import Unit
from identity.units.rules import PersonSeed
from identity.units.service import Units
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.ids import new_id


def person_changed(account: Account, membership: Membership | None, unit: Unit | None) -> PersonChangedV1:
    """Return the event for the current state of a person."""
    return PersonChangedV1(
        sub=account.id,
        name=account.name,
        phone_masked=account.phone_masked,
        status=account.status,
        unit_id=None if unit is None else unit.id,
        unit_path=None if unit is None else unit.path,
        roles=[] if membership is None else membership.roles,
        version=account.version,
    )


def _path_of(principal: Principal) -> str:
    if principal.acting is None:
        raise MembershipRequired
    return principal.acting.path


class Memberships:
    """Memberships for one request.

    Locks are taken in the order of docs/architecture.md: unit, account, then invites, requests and the rest.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        vault: Vault,
        accounts: Accounts,
        units: Units,
        sessions: Sessions,
        revocations: Revocations,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._accounts = accounts
        self._units = units
        self._sessions = sessions
        self._revocations = revocations
        self._audit = audit
        self._rows = MembershipRepository(session)

    async def profile(self, sub: UUID) -> Profile:
        """Return a person, their unit and entitlements. Raises `AccountNotFound`."""
        account = await self._accounts.get(sub)
        found = await self._rows.active(sub)
        membership, unit = found if found is not None else (None, None)
        return Profile(account, membership, unit, await self._rows.entitlements(sub))

    async def in_reach(self, principal: Principal, sub: UUID, *, lock: bool = False) -> Profile:
        """Return a person of the caller's subtree. Raises `AccountNotFound`, `OutOfReach`."""
        if lock:
            await self._accounts.get(sub, lock=True)
        profile = await self.profile(sub)
        if profile.unit is None or not principal.reaches(profile.unit.path):
            raise OutOfReach
        return profile

    async def members(
        self, principal: Principal, unit_id: UUID, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[tuple[Account, Membership]]:
        """Return people of a unit in the caller's subtree, one more than `limit`. Raises `OutOfReach`."""
        unit = await self._units.within_reach(principal, unit_id)
        return await self._rows.members(unit.id, after=after, limit=limit)

    async def invite(self, principal: Principal, unit_id: UUID, new: InviteIn) -> tuple[Invite, str]:
        """Create an invite. Return it with its code, stored only as a hash. Raises `OutOfReach`,
        `UnitClosed`.
        """
        unit = await self._units.within_reach(principal, unit_id)
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        now = self._clock.now()
        code = rules.new_invite_code()
        invite = Invite(
            id=new_id(),
            unit_id=unit.id,
            code_hash=self._hash(code),
            roles=list(new.roles),
            created_by=UUID(principal.sub),
            created_at=now,
            expires_at=now + timedelta(days=new.days),
            max_uses=new.max_uses,
            uses=0,
        )
        self._rows.add(invite)
        self._record(principal.sub, "invite.created", invite.id, unit=str(unit.id))
        return invite, code

    async def revoke_invite(self, principal: Principal, invite_id: UUID) -> Invite:
        """Revoke an invite of a unit in the caller's subtree. Raises `InviteNotFound`, `OutOfReach`."""
        invite = await self._rows.lock_invite(invite_id)
        if invite is None:
            raise InviteNotFound
        await self._units.within_reach(principal, invite.unit_id)
        invite.revoke(self._clock.now())
        self._record(principal.sub, "invite.revoked", invite.id)
        return invite

    async def request(self, principal: Principal, code_text: str) -> tuple[JoinRequest, Account, Unit]:
        """Request membership with an invite code.

        Raises `InviteInvalid`, `InviteExpired`, `InviteRevoked`, `InviteUsedUp`, `AlreadyMember`,
        `AlreadyRequested`, `UnitClosed`.
        """
        sub = UUID(principal.sub)
        code = rules.normalise_invite_code(code_text)
        invite = None if code is None else await self._rows.invite_by_hash(self._hash(code))
        if invite is None:
            raise InviteInvalid
        unit = await self._units.get(invite.unit_id, share=True)
        account = await self._accounts.get(sub, lock=True)
        if await self._rows.active(sub) is not None:
            raise AlreadyMember
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        now = self._clock.now()
        invite = await self._rows.lock_invite(invite.id)
        if invite is None:
            raise InviteInvalid
        invite.use(now)
        request = JoinRequest(
            id=new_id(),
            account_id=sub,
            unit_id=invite.unit_id,
            invite_id=invite.id,
            roles=list(invite.roles),
            status=JoinRequestStatus.PENDING,
            requested_at=now,
        )
        try:
            async with self._session.begin_nested():
                self._rows.add(request)
        except IntegrityError as error:
            raise AlreadyRequested from error
        self._record(sub, "join.requested", request.id, unit=str(unit.id))
        return request, account, unit

    async def pending(
        self, principal: Principal, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[tuple[JoinRequest, Account, Unit]]:
        """Return the requests that the caller may decide, one more than `limit`."""
        return await self._rows.pending_under(_path_of(principal), after=after, limit=limit)

    async def approve(self, principal: Principal, request_id: UUID) -> tuple[JoinRequest, Account, Unit]:
        """Approve a request.

        An administrator decides for their own unit and every unit below. The first administrator of a unit is
        therefore approved by an administrator of its parent.
        Raises `JoinRequestNotFound`, `OutOfReach`, `OwnRequest`, `UnitClosed`, `JoinRequestDecided`,
        `AlreadyMember`.
        """
        request, account, unit = await self._to_decide(principal, request_id)
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        now = self._clock.now()
        request.approve(UUID(principal.sub), now)
        membership = Membership(
            id=new_id(),
            account_id=account.id,
            unit_id=unit.id,
            roles=list(request.roles),
            started_at=now,
            approved_by=UUID(principal.sub),
        )
        try:
            async with self._session.begin_nested():
                self._rows.add(membership)
        except IntegrityError as error:
            raise AlreadyMember from error
        account.version += 1
        self._publish(account, membership, unit)
        self._record(principal.sub, "join.approved", request.id, sub=str(account.id), unit=str(unit.id))
        return request, account, unit

    async def reject(
        self, principal: Principal, request_id: UUID, reason: str
    ) -> tuple[JoinRequest, Account, Unit]:
        """Reject a request. Raises the errors of `approve`."""
        request, account, unit = await self._to_decide(principal, request_id)
        request.reject(UUID(principal.sub), self._clock.now(), reason)
        self._record(principal.sub, "join.rejected", request.id, sub=str(account.id), reason=reason)
        return request, account, unit

    async def suspend(self, principal: Principal, sub: UUID, reason: str) -> Profile:
        """Suspend an account: its sessions end and its tokens are revoked.

        Raises `AccountNotFound`, `OutOfReach`, `NotYourself`, `AccountNotActive`.
        """
        profile = await self._of_somebody_else(principal, sub)
        profile.account.suspend(_path_of(principal))
        self._publish(profile.account, profile.membership, profile.unit)
        await self._sessions.end_all(sub, "account suspended")
        self._record(principal.sub, "account.suspended", sub, reason=reason)
        return profile

    async def restore(self, principal: Principal, sub: UUID, reason: str) -> Profile:
        """Restore a suspended account.

        Raises the errors of `suspend`, and `AccountNotSuspended`, `SuspendedAbove`.
        """
        profile = await self._of_somebody_else(principal, sub)
        profile.account.restore(_path_of(principal))
        self._publish(profile.account, profile.membership, profile.unit)
        self._record(principal.sub, "account.restored", sub, reason=reason)
        return profile

    async def close_unit(self, principal: Principal, unit_id: UUID) -> Unit:
        """Close a unit below the caller's own.

        Its people lose their membership and entitlements, their tokens are revoked, and pending join requests
        are rejected.
        Raises `UnitNotFound`, `OutOfReach`, `OwnUnit`, `UnitNotEmpty`, `UnitClosed`.
        """
        if principal.acting is not None and principal.acting.unit == unit_id:
            raise OwnUnit
        unit = await self._units.close(principal, unit_id)
        now = self._clock.now()
        for account, membership in await self._rows.all_members(unit.id):
            membership.ended_at = now
            for entitlement in await self._rows.all_entitlements(account.id):
                entitlement.withdraw(UUID(principal.sub), now)
            account.version += 1
            self._publish(account, None, None)
            self._revocations.revoke(account.id, reason="unit closed")
        for request in await self._rows.pending_for(unit.id):
            request.reject(UUID(principal.sub), now, "单位已撤销")
        self._record(principal.sub, "unit.closed", unit.id)
        return unit

    async def entitle(self, principal: Principal, sub: UUID, name: str) -> Profile:
        """Grant a person an entitlement to another system; idempotent.

        Raises `UnknownEntitlement`, `NotYourself`, `OutOfReach`, `NotEligible`.
        """
        if name not in rules.ENTITLEMENTS:
            raise UnknownEntitlement
        if str(sub) == principal.sub:
            raise NotYourself
        profile = await self.in_reach(principal, sub, lock=True)
        assert profile.unit is not None
        if not rules.may_enter_cockpit(profile.unit.level, profile.unit.kind):
            raise NotEligible
        if name not in profile.entitlements:
            self._rows.add(
                Entitlement(
                    id=new_id(),
                    account_id=sub,
                    name=name,
                    granted_by=UUID(principal.sub),
                    granted_at=self._clock.now(),
                )
            )
            profile.entitlements.append(name)
            self._record(principal.sub, "entitlement.granted", sub, name=name)
        return profile

    async def withdraw(self, principal: Principal, sub: UUID, name: str) -> None:
        """Withdraw an entitlement and revoke the tokens for that system. Raises `EntitlementNotFound`."""
        await self.in_reach(principal, sub, lock=True)
        entitlement = await self._rows.entitlement(sub, name)
        if entitlement is None:
            raise EntitlementNotFound
        entitlement.withdraw(UUID(principal.sub), self._clock.now())
        self._revocations.revoke(sub, audience=Audience.COCKPIT, reason="entitlement withdrawn")
        self._record(principal.sub, "entitlement.withdrawn", sub, name=name)

    async def snapshot(self, after: tuple[Any, ...] | None, limit: int) -> list[PersonChangedV1]:
        """Return all people, one more than `limit`."""
        return [person_changed(*row) for row in await self._rows.people_after(after, limit)]

    async def load(
        self,
        seeds: Sequence[PersonSeed],
        units: dict[str, tuple[UUID, str]],
        now: datetime,
        entitled: set[str],
    ) -> None:
        """Insert many people into their units; `entitled` phones get the cockpit entitlement."""
        subs = await self._accounts.load(seeds, now)
        await self._rows.bulk_insert(
            [
                {
                    "id": new_id(),
                    "account_id": sub,
                    "unit_id": units[seed.unit_code][0],
                    "roles": list(seed.roles),
                    "started_at": now,
                }
                for sub, seed in zip(subs, seeds, strict=True)
            ],
            [
                {"id": new_id(), "account_id": sub, "name": rules.COCKPIT, "granted_at": now}
                for sub, seed in zip(subs, seeds, strict=True)
                if seed.phone in entitled
            ],
        )

    async def _to_decide(self, principal: Principal, request_id: UUID) -> tuple[JoinRequest, Account, Unit]:
        """Return a request with its account and unit, all three locked. Account and unit of a request never
        change, so they can be locked before the request itself.
        """
        asked = await self._rows.request(request_id)
        if asked is None:
            raise JoinRequestNotFound
        unit = await self._units.within_reach(principal, asked.unit_id, share=True)
        if str(asked.account_id) == principal.sub:
            raise OwnRequest
        account = await self._accounts.get(asked.account_id, lock=True)
        request = await self._rows.lock_request(request_id)
        if request is None:
            raise JoinRequestNotFound
        return request, account, unit

    async def _of_somebody_else(self, principal: Principal, sub: UUID) -> Profile:
        if str(sub) == principal.sub:
            raise NotYourself
        return await self.in_reach(principal, sub, lock=True)

    def _publish(self, account: Account, membership: Membership | None, unit: Unit | None) -> None:
        outbox.add(
            self._session,
            person_changed(account, membership, unit),
            subject=account.id,
            sequence=account.version,
        )

    def _record(self, actor: UUID | str, action: str, target: UUID, **details: str) -> None:
        self._audit.record(actor=actor, action=action, target=target, **details)

    def _hash(self, code: str) -> bytes:
        return self._vault.index("invite", rules.normalise_invite_code(code) or code)
