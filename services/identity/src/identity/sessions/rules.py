"""Limits of the session lifetime."""

from datetime import timedelta

LONGEST_RENEWED = timedelta(days=7)
"""Signing in again keeps a browser's session; a session older than this is replaced."""
