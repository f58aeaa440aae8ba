"""Requests for entitlements: asked for with a reason, decided one level above."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import MembershipRequired
from authkit.principal import Principal
from contracts.vocabulary import EntitlementRequestStatus, Level, Permission
from identity.accounts.errors import NotYourself
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.entitlements import rules
from identity.entitlements.errors import (
    AlreadyEntitled,
    EntitlementRequested,
    EntitlementRequestNotFound,
    NotEligible,
    OneLevelAbove,
    UnknownEntitlement,
)
from identity.entitlements.models import EntitlementRequest
from identity.entitlements.repository import Asked, EntitlementRepository
from identity.entitlements.service import Entitlements
from identity.memberships.service import Memberships
from identity.units.service import Units
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import AgeSort, Listed
from servicekit.paging import PageRequest


class EntitlementRequests:
    """Requests for entitlements for one request of the API."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        units: Units,
        memberships: Memberships,
        entitlements: Entitlements,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._accounts = accounts
        self._units = units
        self._memberships = memberships
        self._entitlements = entitlements
        self._audit = audit
        self._rows = EntitlementRepository(session)

    async def ask(self, by: UUID, sub: UUID, name: str, reason: str) -> Asked:
        """Request an entitlement for a person's primary unit.

        Raises `UnknownEntitlement`, `NotEligible`, `AlreadyEntitled`, `EntitlementRequested`.
        """
        if name not in rules.ENTITLEMENTS:
            raise UnknownEntitlement
        account = await self._accounts.get(sub, lock=True)
        unit = (await self._memberships.profile(sub)).unit
        if unit is None or not rules.may_enter_cockpit(unit.level, unit.kind):
            raise NotEligible
        if name in (await self._entitlements.by_unit(sub, [unit.id]))[unit.id]:
            raise AlreadyEntitled
        request = EntitlementRequest(
            id=new_id(),
            account_id=sub,
            unit_id=unit.id,
            name=name,
            reason=reason,
            requested_by=by,
            requested_at=self._clock.now(),
            status=EntitlementRequestStatus.PENDING,
        )
        try:
            async with self._session.begin_nested():
                self._rows.add(request)
        except IntegrityError as error:
            raise EntitlementRequested from error
        self._audit.record(actor=by, action="entitlement.requested", target=sub, name=name)
        return request, account, unit

    async def ask_for(self, principal: Principal, sub: UUID, name: str, reason: str) -> Asked:
        """Request an entitlement for a person of the caller's subtree. Raises the errors of `ask`, and
        `AccountNotFound`, `OutOfReach`.
        """
        await self._memberships.in_reach(principal, sub, lock=True)
        return await self.ask(UUID(principal.sub), sub, name, reason)

    async def mine(self, sub: UUID, paging: PageRequest) -> Listed[Asked]:
        """Return a person's requests, latest first."""
        return await self._rows.of_person(sub, paging)

    async def pending(
        self, principal: Principal, name: str | None, sort: AgeSort, paging: PageRequest
    ) -> Listed[Asked]:
        """Return the requests that the caller may decide; `name` is a part of the person's name."""
        if principal.acting is None:
            raise MembershipRequired
        own = principal.acting.level == Level.MINISTRY
        return await self._rows.pending_below(principal.acting.path, name, sort, paging, and_own=own)

    async def count_waiting(self, principal: Principal, most: int) -> int:
        """Return the number of requests that the caller may decide, at most `most`."""
        if principal.acting is None:
            raise MembershipRequired
        own = principal.acting.level == Level.MINISTRY
        return await self._rows.count_pending_below(principal.acting.path, and_own=own, most=most)

    async def approve(self, principal: Principal, request_id: UUID) -> Asked:
        """Approve a request: the person has the entitlement for a year.

        Raises `EntitlementRequestNotFound`, `OutOfReach`, `NotYourself`, `OneLevelAbove`,
        `EntitlementRequestDecided`, `NotEligible`.
        """
        asked = await self._to_decide(principal, request_id)
        request, account, unit = asked
        request.decide(EntitlementRequestStatus.APPROVED, UUID(principal.sub), self._clock.now())
        profile = await self._memberships.profile(account.id)
        if profile.unit is None or profile.unit.id != unit.id:
            # The person has changed units since.
            raise NotEligible
        await self._entitlements.grant(profile, request.name, UUID(principal.sub))
        return asked

    async def reject(self, principal: Principal, request_id: UUID, reason: str) -> Asked:
        """Reject a request. Raises the errors of `approve`."""
        asked = await self._to_decide(principal, request_id)
        asked[0].decide(EntitlementRequestStatus.REJECTED, UUID(principal.sub), self._clock.now(), reason)
        self._audit.record(
            actor=principal.sub, action="entitlement.rejected", target=asked[1].id, reason=reason
        )
        return asked

    async def take_back(self, sub: UUID, request_id: UUID) -> Asked:
        """Withdraw a request, as the person or whoever asked.

        Raises `EntitlementRequestNotFound`, `EntitlementRequestDecided`.
        """
        request = await self._rows.lock_request(request_id)
        if request is None or sub not in (request.account_id, request.requested_by):
            raise EntitlementRequestNotFound
        request.decide(EntitlementRequestStatus.WITHDRAWN, sub, self._clock.now())
        account = await self._accounts.get(request.account_id)
        return request, account, await self._units.get(request.unit_id)

    async def _to_decide(self, principal: Principal, request_id: UUID) -> Asked:
        found = await self._rows.request(request_id)
        if found is None:
            raise EntitlementRequestNotFound
        if principal.sub in (str(found.account_id), str(found.requested_by)):
            raise NotYourself
        unit = await self._units.within_reach(principal, found.unit_id, share=True)
        if principal.acting is None or not principal.may(Permission.ENTITLEMENTS_GRANT):
            raise MembershipRequired
        if not rules.decides(unit.level, unit.path, principal.acting.path):
            raise OneLevelAbove
        account = await self._accounts.get(found.account_id, lock=True)
        request = await self._rows.lock_request(request_id)
        if request is None:
            raise EntitlementRequestNotFound
        return request, account, unit
