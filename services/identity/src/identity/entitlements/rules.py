"""Rules for entitlements."""

from datetime import timedelta

from contracts.vocabulary import Entitlement, Kind, Level

COCKPIT = Entitlement.COCKPIT
ENTITLEMENTS = frozenset(Entitlement)

_COCKPIT_LEVELS = frozenset({Level.MINISTRY, Level.PROVINCE, Level.CITY, Level.COUNTY})


def may_enter_cockpit(level: Level, kind: Kind) -> bool:
    """Return whether a unit is eligible for the cockpit: only student-aid departments of ministry, provinces,
    cities and counties.
    """
    return level in _COCKPIT_LEVELS and kind == Kind.STUDENT_AID


LIFETIME = timedelta(days=365)
"""After this an entitlement ends unless a review has kept it."""
REVIEW = timedelta(days=30)
"""So long before its end an entitlement is due for review, and the person is reminded."""

UNDECIDED = timedelta(days=30)
"""After this a request that nobody decided about ends."""


def reviews(unit_path: str, reviewer_path: str) -> bool:
    """Return whether a unit's administrators review the entitlements of `unit_path`: only from above, because
    the own unit benefits. Those of the ministry are reviewed by the platform's security administrator.
    """
    return unit_path.startswith(f"{reviewer_path}.")


def decides(level: Level, unit_path: str, approver_path: str) -> bool:
    """Return whether a unit's administrators decide about requests of `unit_path`, whose level is `level`:
    those of units above, and of the ministry for its own people.
    """
    return unit_path.startswith(f"{approver_path}.") or (
        level == Level.MINISTRY and unit_path == approver_path
    )
