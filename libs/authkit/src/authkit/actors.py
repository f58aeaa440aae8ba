"""Dependencies for endpoints whose caller is a person acting for a unit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from authkit.dependencies import REFUSALS as TOKEN_REFUSALS
from authkit.dependencies import Authenticated, requires
from authkit.errors import InsufficientScope, InvalidToken, MembershipRequired
from authkit.principal import Acting, Principal
from servicekit.ltree import is_under
from servicekit.permissions import requiring

REFUSALS = (*TOKEN_REFUSALS, InsufficientScope, MembershipRequired)
"""Errors for a caller who is not an actor; endpoints that require a permission add `PermissionRequired`."""


@dataclass(frozen=True)
class Actor:
    """A person acting for a unit."""

    sub: UUID
    acting: Acting
    permissions: frozenset[str] = frozenset()
    """What the person may do there (`contracts.vocabulary.Permission`)."""

    @property
    def unit_id(self) -> UUID:
        """The acting unit."""
        return self.acting.unit

    def may(self, *permissions: str) -> bool:
        """Return whether the person has at least one of `permissions` in the acting unit."""
        return not self.permissions.isdisjoint(permissions)

    def reaches(self, path: str) -> bool:
        """Return whether `path` is the acting unit or one of its descendants in the authority tree."""
        return is_under(path, self.acting.path)


def acting_as(*permissions: str, scope: str) -> Callable[[Principal], Awaitable[Actor]]:
    """Return a dependency that requires a member of a unit with one of `permissions` (any member if empty).

    The token must have `scope`. Raises 403 `InsufficientScope`, `MembershipRequired` or `PermissionRequired`,
    and the errors of `authkit.dependencies.authenticated`.
    """
    check = requires(scope=scope, permission=permissions)

    @requiring(*permissions)
    async def actor(principal: Authenticated) -> Actor:
        await check(principal)
        if principal.acting is None:
            raise MembershipRequired
        try:
            return Actor(UUID(principal.sub), principal.acting, principal.permissions)
        except ValueError as error:
            # The subject is not a person only for a client acting for itself, which has no unit.
            raise InvalidToken from error

    return actor
