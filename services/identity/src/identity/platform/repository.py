"""Queries for administrators of the platform."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus, PlatformRole
from identity.accounts.models import Account
from identity.platform.models import PlatformAdministrator
from servicekit.lane_sessions import runner_of
from servicekit.lanes import Statement

# Any constant, the same for all processes of Identity on one database.
_LOCK = 0x5A58_5052_4F4C
_ROLE = Statement(
    select(PlatformAdministrator.role).where(
        PlatformAdministrator.account_id == bindparam("sub", type_=Uuid())
    )
)


class PlatformRepository:
    """The few administrators of the platform."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._runner = runner_of(session)

    async def lock(self) -> None:
        """Let one change of the administrators happen at a time, until the transaction ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(_LOCK)))

    def add(self, row: PlatformAdministrator) -> None:
        """Insert a row."""
        self._session.add(row)

    async def remove(self, row: PlatformAdministrator) -> None:
        """Delete a person's role."""
        await self._session.delete(row)

    async def get(self, sub: UUID) -> PlatformAdministrator | None:
        """Return a person's role."""
        return await self._session.get(PlatformAdministrator, sub)

    async def role(self, sub: UUID) -> PlatformRole | None:
        """Return a person's role, of which nothing but its name is needed."""
        found = await self._runner.first(_ROLE, {"sub": sub})
        return None if found is None else PlatformRole(found.role)

    async def all(self) -> Sequence[tuple[PlatformAdministrator, Account]]:
        """Return all administrators with their accounts."""
        statement = (
            select(PlatformAdministrator, Account)
            .join(Account, Account.id == PlatformAdministrator.account_id)
            .order_by(PlatformAdministrator.role, Account.id)
        )
        return list((await self._session.execute(statement)).all())

    async def names(self, people: Collection[UUID | None]) -> dict[UUID | None, str]:
        """Return the names of people."""
        statement = select(Account.id, Account.name).where(Account.id.in_(people))
        return {row[0]: row[1] for row in await self._session.execute(statement)}

    async def count(self, role: PlatformRole, *, besides: UUID | None = None) -> int:
        """Return the number of people with a role whose account is active, besides one of them."""
        statement = (
            select(func.count())
            .select_from(PlatformAdministrator)
            .join(Account, Account.id == PlatformAdministrator.account_id)
            .where(PlatformAdministrator.role == role, Account.status == AccountStatus.ACTIVE)
        )
        if besides is not None:
            statement = statement.where(PlatformAdministrator.account_id != besides)
        return await self._session.scalar(statement) or 0
