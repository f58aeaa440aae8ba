"""Which permissions a role in a unit may have. Pure."""

from collections.abc import Collection

from contracts.vocabulary import Permission

OF_THE_PLATFORM = frozenset(
    one for one in Permission if one.startswith("platform.") or one is Permission.AUDIT_READ
)
"""Those of the three separated administrators; no role in a unit has one of them."""
FOR_UNITS = frozenset(Permission) - OF_THE_PLATFORM


def fit(permissions: Collection[str], may_grant: Collection[str]) -> bool:
    """Return whether a role in a unit may allow `permissions`, and passing on `may_grant`."""
    return bool(permissions) and FOR_UNITS.issuperset(permissions) and FOR_UNITS.issuperset(may_grant)
