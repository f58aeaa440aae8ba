"""Appointing and dismissing the platform's administrators: two people of different kinds do it.

The three are separated from the units (三员分立): whoever belongs to a unit, or waits for the decision
about joining one, is not appointed, and whoever is appointed joins none (`Memberships.check_may_belong`).
Both sides lock the person's account before they look, so that the later of two at once sees the earlier one.
"""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import AccountStatus, PlatformRole, ProposalStatus
from identity.accounts.errors import AccountSuspended
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.appointments.errors import (
    BelongsToUnit,
    NoPlatformRole,
    NotTheFirst,
    ProposalNotFound,
    ProposalPending,
)
from identity.appointments.models import PlatformProposal
from identity.appointments.repository import AppointmentRepository
from identity.audit.service import AuditLog
from identity.joining.waiting import JoinsWaiting
from identity.memberships.service import Memberships
from identity.platform.errors import HasPlatformRole, SecondPersonRequired
from identity.platform.service import Platform
from identity.revocations.service import Revocations
from identity.sessions.service import Sessions
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest

Proposed = tuple[PlatformProposal, Account]


class Appointments:
    """Appointments for one request.

    Locks are taken in the order of docs/architecture.md: the administrators of the platform, the account,
    then the proposal.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        platform: Platform,
        memberships: Memberships,
        joins: JoinsWaiting,
        revocations: Revocations,
        sessions: Sessions,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._accounts = accounts
        self._platform = platform
        self._memberships = memberships
        self._joins = joins
        self._revocations = revocations
        self._sessions = sessions
        self._audit = audit
        self._rows = AppointmentRepository(session)

    async def proposals(self, status: ProposalStatus | None, paging: PageRequest) -> Listed[Proposed]:
        """Return proposals, latest first; with `status` only those in it."""
        return await self._rows.latest(status, paging)

    async def count_waiting(self, principal: Principal, most: int) -> int:
        """Return the number of proposals that the caller may confirm, at most `most`."""
        role = await self._platform.own_role(principal)
        return await self._rows.count_for(UUID(principal.sub), role, most)

    async def appoint_first(self, sub: UUID, role: PlatformRole, *, by: str) -> None:
        """Appoint the first administrator of a kind, as the operator.

        Raises `AccountNotFound`, `NotTheFirst`, `HasPlatformRole`, `AccountSuspended`, `BelongsToUnit`.
        """
        await self._platform.lock()
        account = await self._accounts.get(sub, lock=True)
        if await self._platform.count(role):
            raise NotTheFirst
        await self._check(account, role)
        self._platform.appoint(sub, role, self._clock.now(), proposed_by=None, confirmed_by=None)
        self._audit.record(actor=by, action="platform.appointed", target=sub, role=role)

    async def dismiss_lost(self, sub: UUID, role: PlatformRole, reason: str, *, by: str) -> None:
        """End the role of an administrator who has lost access, as the operator, even the last of a kind.

        Their sessions end, as the phone may be in other hands. Proposals stay as after any dismissal: those
        by the person still need a second one, those about the person can only be refused.

        Raises `AccountNotFound`, `NoPlatformRole`.
        """
        await self._platform.lock()
        account = await self._accounts.get(sub, lock=True)
        if await self._platform.role_of(account.id) != role:
            raise NoPlatformRole
        await self._platform.dismiss(account.id, even_last=True)
        await self._sessions.end_all(account.id, "dismissed by the operator", actor=by)
        self._audit.record(actor=by, action="platform.dismissed", target=sub, role=role, reason=reason)

    async def propose(
        self, principal: Principal, sub: UUID, role: PlatformRole | None, reason: str
    ) -> Proposed:
        """Propose to give a person a role, or with None to take it away. A security administrator proposes.

        Raises `SecondPersonRequired`, `AccountNotFound`, `HasPlatformRole`, `NoPlatformRole`,
        `AccountSuspended`, `BelongsToUnit`, `ProposalPending`.
        """
        if str(sub) == principal.sub:
            raise SecondPersonRequired
        account = await self._accounts.get(sub, lock=True)
        await self._check(account, role)
        proposal = PlatformProposal(
            id=new_id(),
            account_id=sub,
            role=role,
            reason=reason,
            proposed_by=UUID(principal.sub),
            proposed_role=await self._platform.own_role(principal),
            proposed_at=self._clock.now(),
            status=ProposalStatus.PENDING,
        )
        try:
            async with self._session.begin_nested():
                self._rows.add(proposal)
        except IntegrityError as error:
            raise ProposalPending from error
        self._record(principal, "platform.proposed", proposal)
        return proposal, account

    async def confirm(self, principal: Principal, proposal_id: UUID) -> Proposed:
        """Carry a proposal out, as a second administrator of another kind than the proposer.

        Raises `ProposalNotFound`, `ProposalDecided`, `SecondPersonRequired`, `HasPlatformRole`,
        `NoPlatformRole`, `AccountSuspended`, `BelongsToUnit`, `LastOfItsKind`.
        """
        await self._platform.lock()
        proposal, account = await self._to_decide(principal, proposal_id)
        by = UUID(principal.sub)
        await self._platform.check_second(principal, proposal.proposed_by, proposal.proposed_role)
        now = self._clock.now()
        proposal.decide(ProposalStatus.CONFIRMED, by, now)
        await self._check(account, proposal.role)
        if proposal.role is not None:
            self._platform.appoint(
                account.id, proposal.role, now, proposed_by=proposal.proposed_by, confirmed_by=by
            )
        else:
            await self._platform.dismiss(account.id)
        self._revocations.revoke(account.id, reason="platform role changed")
        self._record(principal, "platform.confirmed", proposal)
        return proposal, account

    async def refuse(self, principal: Principal, proposal_id: UUID) -> Proposed:
        """Refuse a proposal; its proposer may take it back.

        Raises `ProposalNotFound`, `ProposalDecided`, `SecondPersonRequired`.
        """
        proposal, account = await self._to_decide(principal, proposal_id)
        proposal.decide(ProposalStatus.REFUSED, UUID(principal.sub), self._clock.now())
        self._record(principal, "platform.refused", proposal)
        return proposal, account

    async def _to_decide(self, principal: Principal, proposal_id: UUID) -> Proposed:
        """Return a proposal with its account, both locked. The account of a proposal never changes."""
        found = await self._rows.get(proposal_id)
        if found is None:
            raise ProposalNotFound
        if str(found.account_id) == principal.sub:
            raise SecondPersonRequired
        account = await self._accounts.get(found.account_id, lock=True)
        proposal = await self._rows.lock(proposal_id)
        if proposal is None:
            raise ProposalNotFound
        return proposal, account

    async def _check(self, account: Account, role: PlatformRole | None) -> None:
        """Check that a person can be appointed, or dismissed if `role` is None; the account is locked."""
        held = await self._platform.role_of(account.id)
        if role is None:
            if held is None:
                raise NoPlatformRole
            return
        if held is not None:
            raise HasPlatformRole
        if account.status != AccountStatus.ACTIVE:
            raise AccountSuspended
        if await self._memberships.belongs(account.id) or await self._joins.of(account.id):
            raise BelongsToUnit

    def _record(self, principal: Principal, action: str, proposal: PlatformProposal) -> None:
        self._audit.record(
            actor=principal.sub,
            action=action,
            target=proposal.account_id,
            role=proposal.role,
            reason=proposal.reason,
        )
