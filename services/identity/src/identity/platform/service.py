"""The three separated administrators of the platform, and what they may not be beside it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import PermissionRequired
from authkit.principal import Principal
from contracts.vocabulary import PlatformRole
from identity.accounts.errors import NotYourself
from identity.accounts.models import Account
from identity.platform import rules
from identity.platform.errors import (
    LastOfItsKind,
    NoUnitForAdministrators,
    SecondPersonRequired,
)
from identity.platform.models import PlatformAdministrator
from identity.platform.repository import PlatformRepository


class Platform:
    """Administrators of the platform for one request; `identity.appointments` changes them."""

    def __init__(self, session: AsyncSession) -> None:
        self._rows = PlatformRepository(session)

    async def role_of(self, sub: UUID) -> PlatformRole | None:
        """Return a person's role as administrator of the platform, or None."""
        return await self._rows.role(sub)

    async def helper_of(self, sub: UUID) -> str:
        """Return whom a person asks about their account, for texts to that person."""
        return rules.helper_of(await self.role_of(sub))

    async def own_role(self, principal: Principal) -> PlatformRole:
        """Return the caller's role now, which may differ from that in the token. Raises
        `PermissionRequired`.
        """
        role = await self.role_of(UUID(principal.sub))
        if role is None:
            raise PermissionRequired
        return role

    async def refuse_in_units(self, sub: UUID) -> None:
        """Raise `NoUnitForAdministrators` if the person is an administrator of the platform, who is not to
        belong to a unit. The account is locked, so that nobody appoints the person at the same time.
        """
        if await self.role_of(sub) is not None:
            raise NoUnitForAdministrators

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

    async def names(self, people: Collection[UUID | None]) -> dict[UUID | None, str]:
        """Return the names of people."""
        return await self._rows.names(people)

    async def lock(self) -> None:
        """Let one change of the administrators happen at a time, until the transaction ends."""
        await self._rows.lock()

    async def count(self, role: PlatformRole) -> int:
        """Return the number of administrators of a kind whose account is active."""
        return await self._rows.count(role)

    def appoint(
        self,
        sub: UUID,
        role: PlatformRole,
        now: datetime,
        *,
        proposed_by: UUID | None,
        confirmed_by: UUID | None,
    ) -> None:
        """Give a person a role. `lock` was called, the account is locked, and the person can be appointed."""
        self._rows.add(
            PlatformAdministrator(
                account_id=sub,
                role=role,
                appointed_at=now,
                proposed_by=proposed_by,
                confirmed_by=confirmed_by,
            )
        )

    async def dismiss(self, sub: UUID, *, even_last: bool = False) -> None:
        """Take a person's role away, also that of a suspended one; without effect without a role. `lock` was
        called. Only the operator ends the role of the last of a kind (`even_last`), and appoints another.

        Raises `LastOfItsKind`.
        """
        held = await self._rows.get(sub)
        if held is None:
            return
        if not even_last and not await self._rows.count(held.role, besides=sub):
            raise LastOfItsKind
        await self._rows.remove(held)
