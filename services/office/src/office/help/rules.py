"""Who may do what with articles. Pure."""

from typing import Final

MAX_WORDS: Final = 4
"""Words of a search that are considered."""
