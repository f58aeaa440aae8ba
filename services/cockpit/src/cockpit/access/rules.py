"""Rules of admission: student-aid departments of the four levels (部、省、市、县)."""

from contracts.vocabulary import Entitlement, Kind, Level

ENTITLEMENT = Entitlement.COCKPIT
IN_CHARGE = Level.COUNTY
"""Whose aid office is in charge of the students of its schools."""
LEVELS = (Level.MINISTRY, Level.PROVINCE, Level.CITY, Level.COUNTY)
KIND = Kind.STUDENT_AID

READ = "cockpit:read"
WRITE = "cockpit:write"
WALL = "cockpit:wall"
"""Of wall displays: the views of one unit and nothing else (`cockpit.walls`)."""
