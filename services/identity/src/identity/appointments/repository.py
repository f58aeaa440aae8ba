"""Queries for proposals about the platform's administrators."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import PlatformRole, ProposalStatus
from identity.accounts.models import Account
from identity.appointments.models import PlatformProposal
from servicekit.lists import Listed, by_id, listed
from servicekit.paging import PageRequest
from servicekit.words import inline


class AppointmentRepository:
    """Proposals, of which there are few."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: PlatformProposal) -> None:
        """Insert a proposal."""
        self._session.add(row)

    async def get(self, proposal_id: UUID) -> PlatformProposal | None:
        """Return a proposal."""
        return await self._session.get(PlatformProposal, proposal_id)

    async def lock(self, proposal_id: UUID) -> PlatformProposal | None:
        """Return a proposal, locked and refreshed."""
        return await self._session.get(
            PlatformProposal, proposal_id, with_for_update=True, populate_existing=True
        )

    async def count_for(self, sub: UUID, role: PlatformRole, most: int) -> int:
        """Return the number of proposals that an administrator of a kind may confirm, at most `most`."""
        some = (
            select(PlatformProposal.id)
            .where(
                PlatformProposal.status == inline(ProposalStatus.PENDING),
                PlatformProposal.account_id != sub,
                PlatformProposal.proposed_by != sub,
                PlatformProposal.proposed_role != role,
            )
            .limit(most)
        )
        return await self._session.scalar(select(func.count()).select_from(some.subquery())) or 0

    async def latest(
        self, status: ProposalStatus | None, paging: PageRequest
    ) -> Listed[tuple[PlatformProposal, Account]]:
        """Return proposals with the people they are about, latest first; with `status` only those in it."""
        statement = select(PlatformProposal, Account).join(Account, Account.id == PlatformProposal.account_id)
        if status is not None:
            statement = statement.where(PlatformProposal.status == status)
        return await listed(self._session, statement, by_id(PlatformProposal.id, latest_first=True), paging)
