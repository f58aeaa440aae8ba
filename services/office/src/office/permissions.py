"""Permissions that several features ask for together."""

from typing import Final

from contracts.vocabulary import Permission

OFFICE: Final = (
    Permission.NOTICES_READ,
    Permission.NOTICES_DRAFT,
    Permission.NOTICES_REVIEW,
    Permission.NOTICES_ISSUE,
    Permission.NOTICES_RECEIVE,
)
"""Who has one of these works with notices: sees those of the unit, its templates and its numbers."""
