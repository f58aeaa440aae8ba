"""A person who acts for a unit, as most endpoints need them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from authkit.dependencies import REFUSALS as TOKEN_REFUSALS
from authkit.dependencies import Authenticated, requires
from authkit.errors import InsufficientScope, InvalidToken, MembershipRequired
from authkit.principal import Acting, Principal
from servicekit.ltree import is_under

REFUSALS = (*TOKEN_REFUSALS, InsufficientScope, MembershipRequired)
"""What an endpoint answers to a caller who is not an actor; with roles, `RoleRequired` as well."""


@dataclass(frozen=True)
class Actor:
    """A person acting for a unit."""

    sub: UUID
    acting: Acting

    @property
    def unit_id(self) -> UUID:
        """The acting unit."""
        return self.acting.unit

    def has_role(self, *roles: str) -> bool:
        """Whether the person holds at least one of `roles` in the acting unit."""
        return not self.acting.roles.isdisjoint(roles)

    def reaches(self, path: str) -> bool:
        """Whether `path` is the acting unit or below it in the authority tree."""
        return is_under(path, self.acting.path)


def acting_as(*roles: str, scope: str) -> Callable[[Principal], Awaitable[Actor]]:
    """A dependency that lets in members of a unit who hold one of `roles` there; none: any member.

    `scope`: what the client must have asked for. Raises 403 `InsufficientScope`, `MembershipRequired` or
    `RoleRequired`, and what `authkit.dependencies.authenticated` raises.
    """
    check = requires(scope=scope, roles=roles)

    async def actor(principal: Authenticated) -> Actor:
        await check(principal)
        if principal.acting is None:
            raise MembershipRequired
        try:
            return Actor(UUID(principal.sub), principal.acting)
        except ValueError as error:
            # Only a client acting for itself has another kind of subject, and it belongs to no unit.
            raise InvalidToken from error

    return actor
