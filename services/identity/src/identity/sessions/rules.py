"""How long a session may go on."""

from datetime import timedelta

LONGEST_RENEWED = timedelta(days=7)
"""Signing in again keeps a browser's session; one older than this is replaced by a new one."""
