"""Rules of admission: student-aid departments of the four levels (部、省、市、县)."""

from contracts.vocabulary import Entitlement, Kind, Level, Role

ENTITLEMENT = Entitlement.COCKPIT
LEVELS = (Level.MINISTRY, Level.PROVINCE, Level.CITY, Level.COUNTY)
KIND = Kind.STUDENT_AID

READ = "cockpit:read"
WRITE = "cockpit:write"

CONTRIBUTORS = (Role.UNIT_ADMIN, Role.HANDLER)
"""Roles that may bring figures in: 单位管理员, 经办人."""
