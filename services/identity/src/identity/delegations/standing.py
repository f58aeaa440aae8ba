"""What somebody may do in the background: work that they confirmed and that goes on without their token."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Permission
from identity.delegations.repository import DelegationRepository
from identity.roles.service import Roles
from servicekit.clock import Clock


@dataclass(frozen=True)
class Standing:
    """What the next token of a person would say for one of their units."""

    path: str
    roles: frozenset[str]
    permissions: frozenset[str]

    def may(self, permission: Permission) -> bool:
        """Return whether the person has a permission in the unit."""
        return permission in self.permissions


class Standings:
    """The standing of people, within one transaction of a job."""

    def __init__(self, session: AsyncSession, clock: Clock, roles: Roles) -> None:
        self._clock = clock
        self._rows = DelegationRepository(session)
        self._roles = roles

    async def of(self, sub: UUID, unit_id: UUID) -> Standing | None:
        """Return a person's standing in a unit, with own and delegated roles; None if they do not belong to
        it, it is closed, or their account is not active.
        """
        found = await self._rows.member(sub, unit_id)
        if found is None:
            return None
        membership_id, own, path = found
        roles = set(own)
        for one in await self._rows.active_to(membership_id, self._clock.now()):
            roles |= set(one.delegation.roles) & set(one.giver_roles)
        return Standing(path, frozenset(roles), frozenset(await self._roles.permissions_of(roles)))
