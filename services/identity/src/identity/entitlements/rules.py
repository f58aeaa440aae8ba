"""Rules for entitlements."""

from contracts.vocabulary import Entitlement, Kind, Level

COCKPIT = Entitlement.COCKPIT
ENTITLEMENTS = frozenset(Entitlement)

_COCKPIT_LEVELS = frozenset({Level.MINISTRY, Level.PROVINCE, Level.CITY, Level.COUNTY})


def may_enter_cockpit(level: Level, kind: Kind) -> bool:
    """Return whether a unit is eligible for the cockpit: only student-aid departments of ministry, provinces,
    cities and counties.
    """
    return level in _COCKPIT_LEVELS and kind == Kind.STUDENT_AID
