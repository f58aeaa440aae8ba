"""What may be granted to whom."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Powers:
    """Permissions of a role, and those that its holder may pass on in addition."""

    permissions: frozenset[str]
    may_grant: frozenset[str] = frozenset()


def permissions_of(roles: Iterable[str], known: Mapping[str, Powers]) -> frozenset[str]:
    """Return the permissions of several roles; an unknown role has none."""
    return frozenset().union(*(known[role].permissions for role in roles if role in known))


def grantable(roles: Collection[str], known: Mapping[str, Powers]) -> frozenset[str]:
    """Return the roles that a holder of `roles` may grant: of which they hold or may pass on everything."""
    passed = frozenset().union(*(known[role].may_grant for role in roles if role in known))
    allowed = permissions_of(roles, known) | passed
    return frozenset(code for code, powers in known.items() if powers.permissions <= allowed)
