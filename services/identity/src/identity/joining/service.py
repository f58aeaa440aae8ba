"""Requests to join a unit, and their decision."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import MembershipRequired, OutOfReach
from authkit.principal import Principal
from contracts.vocabulary import JoinRequestStatus, Role, UnitStatus
from identity.accounts.errors import NotYourself
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.invites.models import Invite
from identity.invites.service import Invites
from identity.joining import rules
from identity.joining.deadlines import Deadlines
from identity.joining.errors import (
    AlreadyRequested,
    JoinRequestNotFound,
    NotYourRequest,
    OneWayToJoin,
    OwnRequest,
)
from identity.joining.models import JoinRequest
from identity.joining.repository import Asked, JoinFilter, JoinRepository
from identity.joining.schemas import ApprovalIn, JoinIn, TransferIn
from identity.member_changes.service import MemberChanges
from identity.memberships.errors import AlreadyMember, MembershipNotFound
from identity.memberships.service import Memberships, path_of
from identity.roles.service import Roles
from identity.units.errors import UnitClosed
from identity.units.models import Unit
from identity.units.service import Units
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import AgeSort, Listed
from servicekit.paging import PageRequest

MOST_COUNTED = 1000
"""A count stops here: a front end shows 999+."""


class Joining:
    """Requests to join for one request.

    Locks are taken in the order of docs/architecture.md: unit, account, then invites, requests and the rest.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        deadlines: Deadlines,
        accounts: Accounts,
        units: Units,
        roles: Roles,
        memberships: Memberships,
        invites: Invites,
        member_changes: MemberChanges,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._deadlines = deadlines
        self._accounts = accounts
        self._units = units
        self._roles = roles
        self._memberships = memberships
        self._invites = invites
        self._member_changes = member_changes
        self._audit = audit
        self._rows = JoinRepository(session)

    async def invited(self, code_text: str) -> tuple[Invite, Unit, Unit | None]:
        """Return what a usable code invites to: the invite, its unit, and the unit above.

        Raises `InviteInvalid`, `InviteExpired`, `InviteRevoked`, `InviteUsedUp`.
        """
        invite = await self.invite(code_text)
        invite.check(self._clock.now())
        unit = await self._units.get(invite.unit_id)
        parent = None if unit.parent_id is None else await self._units.get(unit.parent_id)
        return invite, unit, parent

    async def invite(self, code_text: str) -> Invite:
        """Return the invite with a code, also one that cannot be used any more. Raises `InviteInvalid`."""
        return await self._invites.find(code_text)

    async def request(self, sub: UUID, wish: JoinIn) -> Asked:
        """Request membership, with an invite code or of a chosen unit.

        Raises `OneWayToJoin`, `InviteInvalid`, `InviteExpired`, `InviteRevoked`, `InviteUsedUp`,
        `UnitNotFound`, `AlreadyMember`, `AlreadyRequested`, `UnitClosed`, `UnknownRole`,
        `MembershipNotFound`, `NoUnitForAdministrators`.
        """
        if (wish.invite_code is None) == (wish.unit_id is None):
            raise OneWayToJoin
        found = None if wish.invite_code is None else await self._invites.find(wish.invite_code)
        unit_id = wish.unit_id if found is None else found.unit_id
        assert unit_id is not None
        unit = await self._units.get(unit_id, share=True)
        account = await self._accounts.get(sub, lock=True)
        profile = await self._memberships.profile(sub)
        if any(own.id == unit.id for _, own in profile.memberships):
            raise AlreadyMember
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        if found is None:
            await self._roles.check_known(wish.roles)
            request = self._new(account, unit, roles=wish.roles or [Role.HANDLER], posts=wish.posts)
        else:
            invite = await self._invites.use(found.id, self._accounts.phone(account))
            request = self._new(account, unit, roles=invite.roles, posts=invite.posts)
            request.invite_id = invite.id
        request.note = wish.note
        if wish.leave_unit_id is not None:
            former, _ = await self._memberships.belonging(sub, wish.leave_unit_id)
            request.leaves_membership_id = former.id
        await self._ask(request, unit)
        self._audit.record(actor=sub, action="join.requested", target=request.id, unit=str(unit.id))
        return request, account, unit

    async def transfer(self, principal: Principal, unit_id: UUID, sub: UUID, wish: TransferIn) -> Asked:
        """Ask another unit to take over a member of a unit in the caller's subtree; that unit decides.

        Raises `UnitNotFound`, `OutOfReach`, `NotYourself`, `MembershipNotFound`, `AlreadyMember`,
        `AlreadyRequested`, `UnitClosed`, `UnknownRole`, `NoUnitForAdministrators`.
        """
        await self._roles.check_known(wish.roles)
        if str(sub) == principal.sub:
            raise NotYourself
        await self._units.within_reach(principal, unit_id)
        target = await self._units.get(wish.to_unit_id, share=True)
        if target.status != UnitStatus.ACTIVE:
            raise UnitClosed
        account = await self._accounts.get(sub, lock=True)
        former, _ = await self._memberships.belonging(sub, unit_id)
        if any(own.id == target.id for _, own in (await self._memberships.profile(sub)).memberships):
            raise AlreadyMember
        request = self._new(account, target, roles=wish.roles, posts=wish.posts)
        request.note = wish.note
        request.leaves_membership_id = former.id
        request.requested_by = UUID(principal.sub)
        await self._ask(request, target)
        self._record(principal, "transfer.requested", request, unit=str(target.id))
        return request, account, target

    async def withdraw(self, sub: UUID, request_id: UUID) -> Asked:
        """Take a request back: its applicant, or the administrator who asked for a transfer.

        Raises `JoinRequestNotFound`, `NotYourRequest`, `JoinRequestDecided`.
        """
        request = await self._rows.lock(request_id)
        if request is None:
            raise JoinRequestNotFound
        if sub not in (request.account_id, request.requested_by):
            raise NotYourRequest
        request.withdraw(self._clock.now())
        self._audit.record(actor=sub, action="join.withdrawn", target=request.id)
        return await self._whole(request_id)

    async def mine(self, sub: UUID, paging: PageRequest) -> Listed[Asked]:
        """Return a person's requests, latest first."""
        return await self._rows.of_person(sub, paging)

    async def choices(self, parent_id: UUID | None, name: str | None, paging: PageRequest) -> Listed[Unit]:
        """Return units to choose from, by code: those below a unit, or the top; `name` is a part of the
        name. Raises `UnitNotFound`.
        """
        return await self._units.children(parent_id, name, paging)

    async def pending(
        self, principal: Principal, wanted: JoinFilter, sort: AgeSort, paging: PageRequest
    ) -> Listed[Asked]:
        """Return the requests that the caller may decide.

        `wanted.waiting`: only those for the caller's unit, and those below that nobody answered in time or
        that have no administrator of their own.
        """
        return await self._rows.pending_under(path_of(principal), wanted, sort, paging)

    async def count_waiting(self, principal: Principal, most: int = MOST_COUNTED) -> int:
        """Return the number of requests that wait for the caller's unit, at most `most`."""
        return await self._rows.count_waiting(path_of(principal), most)

    async def get(self, principal: Principal, request_id: UUID) -> Asked:
        """Return a request for a unit in the caller's subtree. Raises `JoinRequestNotFound`, `OutOfReach`."""
        found = await self._whole(request_id)
        if not principal.reaches(found[2].path):
            raise OutOfReach
        return found

    async def approve(
        self, principal: Principal, request_id: UUID, granted: ApprovalIn | None = None
    ) -> Asked:
        """Approve a request, with other roles and posts if given.

        An administrator decides for their own unit and every unit below. The first administrator of a unit is
        therefore approved by an administrator of its parent.
        Raises `JoinRequestNotFound`, `OutOfReach`, `OwnRequest`, `UnitClosed`, `JoinRequestDecided`,
        `RoleNotGrantable`, `AlreadyMember`, `NoUnitForAdministrators`; for a transfer `LastAdministrator` and
        `MembershipNotFound`.
        """
        if principal.acting is None:
            raise MembershipRequired
        request, account, unit = await self._to_decide(principal, request_id)
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        request.approve(UUID(principal.sub), self._clock.now())
        if granted is not None:
            request.roles = list(granted.roles or request.roles)
            request.posts = list(request.posts if granted.posts is None else granted.posts)
        request.roles = await self._roles.check_grant(principal.acting.roles, request.roles)
        await self._memberships.begin(
            account, unit, roles=request.roles, posts=request.posts, approved_by=UUID(principal.sub)
        )
        if request.leaves_membership_id is not None:
            await self._leave(principal, request.leaves_membership_id, account)
        self._record(principal, "join.approved", request, unit=str(unit.id), roles=request.roles)
        return request, account, unit

    async def reject(self, principal: Principal, request_id: UUID, reason: str) -> Asked:
        """Reject a request. Raises the errors of `approve`."""
        request, account, unit = await self._to_decide(principal, request_id)
        request.reject(UUID(principal.sub), self._clock.now(), reason)
        self._record(principal, "join.rejected", request, reason=reason)
        return request, account, unit

    def _new(
        self, account: Account, unit: Unit, *, roles: Sequence[str], posts: Sequence[str]
    ) -> JoinRequest:
        now = self._clock.now()
        return JoinRequest(
            id=new_id(),
            account_id=account.id,
            unit_id=unit.id,
            roles=sorted(set(roles)),
            posts=list(posts),
            status=JoinRequestStatus.PENDING,
            requested_at=now,
            expires_at=now + rules.LIFETIME,
            escalations=0,
        )

    async def _ask(self, request: JoinRequest, unit: Unit) -> None:
        await self._memberships.check_may_belong(request.account_id)
        await self._deadlines.begin(request, unit)
        try:
            async with self._session.begin_nested():
                self._rows.add(request)
        except IntegrityError as error:
            raise AlreadyRequested from error

    async def _whole(self, request_id: UUID) -> Asked:
        found = await self._rows.whole(request_id)
        if found is None:
            raise JoinRequestNotFound
        return found

    async def _to_decide(self, principal: Principal, request_id: UUID) -> Asked:
        """Return a request with its account and unit, all three locked. Account and unit of a request never
        change, so they can be locked before the request itself.
        """
        asked = await self._rows.get(request_id)
        if asked is None:
            raise JoinRequestNotFound
        if str(asked.account_id) == principal.sub:
            raise OwnRequest
        unit = await self._lock_units(principal, asked)
        account = await self._accounts.get(asked.account_id, lock=True)
        request = await self._rows.lock(request_id)
        if request is None:
            raise JoinRequestNotFound
        return request, account, unit

    async def _lock_units(self, principal: Principal, asked: JoinRequest) -> Unit:
        """Lock the unit to join and, for a transfer, the one to leave, in the order of their paths."""
        unit = await self._units.within_reach(principal, asked.unit_id)
        former = None
        if asked.leaves_membership_id is not None:
            former = await self._memberships.unit_of(asked.leaves_membership_id)
        if former is not None and (former.path, former.id) < (unit.path, unit.id):
            await self._units.get(former.id, lock=True)
        unit = await self._units.within_reach(principal, asked.unit_id, share=True)
        if former is not None and (former.path, former.id) > (unit.path, unit.id):
            await self._units.get(former.id, lock=True)
        return unit

    async def _leave(self, principal: Principal, membership_id: UUID, account: Account) -> None:
        former = await self._memberships.lock(membership_id)
        if former is None:
            raise MembershipNotFound
        unit = await self._units.get(former.unit_id)
        await self._member_changes.transfer_away(principal, account, former, unit)

    def _record(self, principal: Principal, action: str, request: JoinRequest, **details: object) -> None:
        self._audit.record(
            actor=principal.sub, action=action, target=request.id, sub=str(request.account_id), **details
        )
