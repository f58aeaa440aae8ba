"""Roles: what they allow, and who may grant them."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import RoleChangedV1
from identity.roles import rules
from identity.roles.errors import RoleNotGrantable, UnknownRole
from identity.roles.events import role_changed
from identity.roles.models import RoleDefinition
from identity.roles.repository import RoleRepository
from identity.roles.rules import Powers


class Roles:
    """Roles for one request; read once."""

    def __init__(self, session: AsyncSession) -> None:
        self._rows = RoleRepository(session)
        self._known: dict[str, Powers] | None = None

    async def all(self, *, retired: bool = False) -> Sequence[RoleDefinition]:
        """Return the roles in use in the order of lists, with `retired` also the others."""
        return await self._rows.all(retired=retired)

    async def snapshot(self, after: str | None, limit: int) -> list[RoleChangedV1]:
        """Return the state of all roles, as in the event, by code, one more than `limit`."""
        return [role_changed(row) for row in await self._rows.page(after, limit)]

    async def named(self, *lists: Sequence[str]) -> list[list[str]]:
        """Return lists of roles with their names for people in place of their codes."""
        names = {row.code: row.name for row in await self._rows.all(retired=True)}
        return [[names.get(code, code) for code in codes] for codes in lists]

    async def in_use(self, roles: Iterable[str]) -> frozenset[str]:
        """Return those roles that exist and are not retired."""
        return frozenset(roles).intersection(await self._powers())

    async def check_known(self, roles: Collection[str]) -> None:
        """Raise `UnknownRole` unless all roles exist and are not retired."""
        if await self.in_use(roles) != frozenset(roles):
            raise UnknownRole

    async def permissions_of(self, roles: Iterable[str]) -> list[str]:
        """Return the permissions of several roles, sorted."""
        return sorted(rules.permissions_of(roles, await self._powers()))

    async def grantable_by(self, roles: Collection[str]) -> frozenset[str]:
        """Return the roles that a holder of `roles` may grant."""
        return rules.grantable(roles, await self._powers())

    async def check_grant(self, held: Collection[str], wanted: Iterable[str]) -> list[str]:
        """Return the roles `wanted`, sorted, if a holder of `held` may grant all of them.

        Raises `UnknownRole`, `RoleNotGrantable`.
        """
        chosen = set(wanted)
        await self.check_known(chosen)
        if not chosen <= await self.grantable_by(held):
            raise RoleNotGrantable
        return sorted(chosen)

    async def with_permission(self, permission: str) -> frozenset[str]:
        """Return the roles that have a permission."""
        powers = await self._powers()
        return frozenset(code for code, one in powers.items() if permission in one.permissions)

    async def _powers(self) -> dict[str, Powers]:
        if self._known is None:
            self._known = {
                row.code: Powers(frozenset(row.permissions), frozenset(row.may_grant))
                for row in await self._rows.all()
            }
        return self._known
