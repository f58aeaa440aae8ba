"""Limits of the session lifetime."""

from datetime import timedelta

RECENT = timedelta(days=90)
"""Carriers give a number to somebody else after 90 days at the earliest."""
LONGEST_RENEWED = timedelta(days=7)
"""Signing in again keeps a browser's session; a session older than this is replaced."""
