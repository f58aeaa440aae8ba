"""Limits of searches."""

from datetime import timedelta

LOOKUPS = 30
LOOKUPS_WITHIN = timedelta(hours=1)
"""So many phone numbers one person may look up: enough for a day's work, too few to try out numbers."""
