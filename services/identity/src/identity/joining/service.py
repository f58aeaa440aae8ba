"""Requests to join a unit, and their decision."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import JoinRequestStatus, UnitStatus
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.invites.service import Invites
from identity.joining.errors import AlreadyRequested, JoinRequestNotFound, OwnRequest
from identity.joining.models import JoinRequest
from identity.joining.repository import JoinRepository
from identity.memberships.errors import AlreadyMember
from identity.memberships.service import Memberships, path_of
from identity.units.errors import UnitClosed
from identity.units.models import Unit
from identity.units.service import Units
from servicekit.clock import Clock
from servicekit.ids import new_id

MOST_COUNTED = 1000
"""A count stops here: a front end shows 999+."""

Asked = tuple[JoinRequest, Account, Unit]


class Joining:
    """Requests to join for one request.

    Locks are taken in the order of docs/architecture.md: unit, account, then invites, requests and the rest.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        units: Units,
        memberships: Memberships,
        invites: Invites,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._accounts = accounts
        self._units = units
        self._memberships = memberships
        self._invites = invites
        self._audit = audit
        self._rows = JoinRepository(session)

    async def request(self, sub: UUID, code_text: str) -> Asked:
        """Request membership with an invite code.

        Raises `InviteInvalid`, `InviteExpired`, `InviteRevoked`, `InviteUsedUp`, `AlreadyMember`,
        `AlreadyRequested`, `UnitClosed`.
        """
        found = await self._invites.find(code_text)
        unit = await self._units.get(found.unit_id, share=True)
        account = await self._accounts.get(sub, lock=True)
        profile = await self._memberships.profile(sub)
        if any(own.id == unit.id for _, own in profile.memberships):
            raise AlreadyMember
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        invite = await self._invites.use(found.id)
        request = JoinRequest(
            id=new_id(),
            account_id=sub,
            unit_id=invite.unit_id,
            invite_id=invite.id,
            roles=list(invite.roles),
            status=JoinRequestStatus.PENDING,
            requested_at=self._clock.now(),
        )
        try:
            async with self._session.begin_nested():
                self._rows.add(request)
        except IntegrityError as error:
            raise AlreadyRequested from error
        self._audit.record(actor=sub, action="join.requested", target=request.id, unit=str(unit.id))
        return request, account, unit

    async def pending(
        self, principal: Principal, after: tuple[Any, ...] | None, limit: int
    ) -> Sequence[Asked]:
        """Return the requests that the caller may decide, one more than `limit`."""
        return await self._rows.pending_under(path_of(principal), after=after, limit=limit)

    async def count_pending(self, principal: Principal) -> int:
        """Return the number of requests that the caller may decide, at most `MOST_COUNTED`."""
        return await self._rows.count_under(path_of(principal), MOST_COUNTED)

    async def approve(self, principal: Principal, request_id: UUID) -> Asked:
        """Approve a request.

        An administrator decides for their own unit and every unit below. The first administrator of a unit is
        therefore approved by an administrator of its parent.
        Raises `JoinRequestNotFound`, `OutOfReach`, `OwnRequest`, `UnitClosed`, `JoinRequestDecided`,
        `AlreadyMember`.
        """
        request, account, unit = await self._to_decide(principal, request_id)
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        request.approve(UUID(principal.sub), self._clock.now())
        await self._memberships.begin(account, unit, roles=request.roles, approved_by=UUID(principal.sub))
        self._record(principal, "join.approved", request, unit=str(unit.id))
        return request, account, unit

    async def reject(self, principal: Principal, request_id: UUID, reason: str) -> Asked:
        """Reject a request. Raises the errors of `approve`."""
        request, account, unit = await self._to_decide(principal, request_id)
        request.reject(UUID(principal.sub), self._clock.now(), reason)
        self._record(principal, "join.rejected", request, reason=reason)
        return request, account, unit

    async def reject_all(self, unit_id: UUID, by: UUID, reason: str) -> None:
        """Reject the pending requests for a locked unit."""
        for request in await self._rows.pending_for(unit_id):
            request.reject(by, self._clock.now(), reason)

    async def _to_decide(self, principal: Principal, request_id: UUID) -> Asked:
        """Return a request with its account and unit, all three locked. Account and unit of a request never
        change, so they can be locked before the request itself.
        """
        asked = await self._rows.get(request_id)
        if asked is None:
            raise JoinRequestNotFound
        unit = await self._units.within_reach(principal, asked.unit_id, share=True)
        if str(asked.account_id) == principal.sub:
            raise OwnRequest
        account = await self._accounts.get(asked.account_id, lock=True)
        request = await self._rows.lock(request_id)
        if request is None:
            raise JoinRequestNotFound
        return request, account, unit

    def _record(self, principal: Principal, action: str, request: JoinRequest, **details: str) -> None:
        self._audit.record(
            actor=principal.sub, action=action, target=request.id, sub=str(request.account_id), **details
        )
