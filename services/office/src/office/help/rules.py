"""Who may do what with articles. Pure."""

from typing import Final

from contracts.vocabulary import Role

WRITING_ROLES: Final = (Role.UNIT_ADMIN, Role.APPROVER)
"""Who writes articles, in the centre."""
MAX_WORDS: Final = 4
"""Words of a search that are considered."""
