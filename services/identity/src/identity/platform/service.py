"""The three separated administrators of the platform: two people appoint and dismiss each of them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import PermissionRequired
from authkit.principal import Principal
from contracts.vocabulary import AccountStatus, PlatformRole, ProposalStatus
from identity.accounts.errors import AccountSuspended, NotYourself
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.platform.errors import (
    HasPlatformRole,
    LastOfItsKind,
    NoPlatformRole,
    NotTheFirst,
    PlatformAdministratorHeld,
    ProposalNotFound,
    ProposalPending,
    SecondPersonRequired,
)
from identity.platform.models import PlatformAdministrator, PlatformProposal
from identity.platform.repository import PlatformRepository
from identity.revocations.service import Revocations
from servicekit.clock import Clock
from servicekit.ids import new_id

Proposed = tuple[PlatformProposal, Account]


class Platform:
    """Administrators of the platform for one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        revocations: Revocations,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._accounts = accounts
        self._revocations = revocations
        self._audit = audit
        self._rows = PlatformRepository(session)

    async def role_of(self, sub: UUID) -> PlatformRole | None:
        """Return a person's role as administrator of the platform, or None."""
        row = await self._rows.get(sub)
        return None if row is None else row.role

    async def refuse_holder(self, sub: UUID) -> None:
        """Raise `PlatformAdministratorHeld` if the person is an administrator of the platform."""
        if await self._rows.get(sub) is not None:
            raise PlatformAdministratorHeld

    async def keep_one_of_each(self, principal: Principal, sub: UUID) -> None:
        """Allow to suspend somebody else unless no other active administrator has the same role.

        Other changes of the administrators wait until the transaction ends.
        Raises `NotYourself`, `LastOfItsKind`.
        """
        if str(sub) == principal.sub:
            raise NotYourself
        await self._rows.lock()
        held = await self._rows.get(sub)
        if held is not None and not await self._rows.count(held.role, besides=sub):
            raise LastOfItsKind

    async def check_second(self, principal: Principal, first: UUID, first_role: PlatformRole) -> None:
        """Raise `SecondPersonRequired` unless the caller is somebody else, of another kind, than the
        administrator who proposed something.
        """
        if UUID(principal.sub) == first or await self.own_role(principal) == first_role:
            raise SecondPersonRequired

    async def administrators(self) -> Sequence[tuple[PlatformAdministrator, Account]]:
        """Return all administrators with their accounts."""
        return await self._rows.all()

    async def proposals(self, before: UUID | None, limit: int) -> Sequence[Proposed]:
        """Return proposals, latest first, one more than `limit`."""
        return await self._rows.proposals(before, limit)

    async def appoint_first(self, sub: UUID, role: PlatformRole, *, by: str) -> None:
        """Appoint the first administrator of a kind, as the operator.

        Raises `AccountNotFound`, `NotTheFirst`, `HasPlatformRole`.
        """
        await self._rows.lock()
        account = await self._accounts.get(sub, lock=True)
        if await self._rows.count(role):
            raise NotTheFirst
        await self._appoint(account, role, None, None)
        self._audit.record(actor=by, action="platform.appointed", target=sub, role=role)

    async def propose(
        self, principal: Principal, sub: UUID, role: PlatformRole | None, reason: str
    ) -> Proposed:
        """Propose to give a person a role, or with None to take it away. A security administrator proposes.

        Raises `SecondPersonRequired`, `AccountNotFound`, `HasPlatformRole`, `NoPlatformRole`,
        `ProposalPending`.
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
            proposed_role=await self.own_role(principal),
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
        `NoPlatformRole`, `LastOfItsKind`.
        """
        await self._rows.lock()
        proposal, account = await self._to_decide(principal, proposal_id)
        by = UUID(principal.sub)
        await self.check_second(principal, proposal.proposed_by, proposal.proposed_role)
        proposal.decide(ProposalStatus.CONFIRMED, by, self._clock.now())
        held = await self._check(account, proposal.role)
        if proposal.role is not None:
            await self._appoint(account, proposal.role, proposal.proposed_by, by)
        elif held is not None:
            if not await self._rows.count(held.role, besides=account.id):
                raise LastOfItsKind
            await self._rows.remove(held)
        self._revocations.revoke(account.id, reason="platform role changed")
        self._record(principal, "platform.confirmed", proposal)
        return proposal, account

    async def refuse(self, principal: Principal, proposal_id: UUID) -> Proposed:
        """Refuse a proposal; its proposer may take it back. Raises the errors of `confirm`."""
        proposal, account = await self._to_decide(principal, proposal_id)
        proposal.decide(ProposalStatus.REFUSED, UUID(principal.sub), self._clock.now())
        self._record(principal, "platform.refused", proposal)
        return proposal, account

    async def _to_decide(self, principal: Principal, proposal_id: UUID) -> Proposed:
        found = await self._rows.proposal(proposal_id)
        if found is None:
            raise ProposalNotFound
        if str(found.account_id) == principal.sub:
            raise SecondPersonRequired
        return found, await self._accounts.get(found.account_id, lock=True)

    async def _check(self, account: Account, role: PlatformRole | None) -> PlatformAdministrator | None:
        held = await self._rows.get(account.id)
        if role is None and held is None:
            raise NoPlatformRole
        if role is not None and held is not None:
            raise HasPlatformRole
        if role is not None and account.status != AccountStatus.ACTIVE:
            raise AccountSuspended
        return held

    async def _appoint(
        self, account: Account, role: PlatformRole, proposed_by: UUID | None, confirmed_by: UUID | None
    ) -> None:
        if await self._rows.get(account.id) is not None:
            raise HasPlatformRole
        self._rows.add(
            PlatformAdministrator(
                account_id=account.id,
                role=role,
                appointed_at=self._clock.now(),
                proposed_by=proposed_by,
                confirmed_by=confirmed_by,
            )
        )

    async def own_role(self, principal: Principal) -> PlatformRole:
        """Return the caller's role now, which may differ from that in the token."""
        role = await self.role_of(UUID(principal.sub))
        if role is None:
            raise PermissionRequired
        return role

    def _record(self, principal: Principal, action: str, proposal: PlatformProposal) -> None:
        self._audit.record(
            actor=principal.sub,
            action=action,
            target=proposal.account_id,
            role=proposal.role,
            reason=proposal.reason,
        )
