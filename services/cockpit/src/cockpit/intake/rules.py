"""Values of feeds that other features use."""

from cockpit.feeds.rules import FIRST_YEAR, LAST_YEAR
from cockpit.feeds.values import FUNDING, PUBLISHED_FUNDING, PUBLISHED_STAGES, STAGES, TERMS, TOTAL

__all__ = [
    "FIRST_YEAR",
    "FUNDING",
    "LAST_YEAR",
    "PUBLISHED_FUNDING",
    "PUBLISHED_STAGES",
    "STAGES",
    "TERMS",
    "TOTAL",
]
