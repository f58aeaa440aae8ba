"""Who may enter at all: aid departments of the four levels (部、省、市、县)."""

ENTITLEMENT = "cockpit"
LEVELS = ("ministry", "province", "city", "county")
KIND = "student_aid"

READ = "cockpit:read"
WRITE = "cockpit:write"

CONTRIBUTORS = ("unit_admin", "handler")
"""Roles that may bring figures in: 单位管理员, 经办人."""
