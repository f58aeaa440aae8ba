"""Rules of admission: student-aid departments of the four levels (部、省、市、县)."""

from contracts.vocabulary import Entitlement, Kind, Level

ENTITLEMENT = Entitlement.COCKPIT
LEVELS = (Level.MINISTRY, Level.PROVINCE, Level.CITY, Level.COUNTY)
KIND = Kind.STUDENT_AID

READ = "cockpit:read"
WRITE = "cockpit:write"
