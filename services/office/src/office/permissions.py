"""Permissions that several features ask for together."""

from typing import Final

from contracts.identity import PersonMembership
from contracts.permissions import built_in_permissions
from contracts.vocabulary import Permission

OFFICE: Final = (
    Permission.NOTICES_READ,
    Permission.NOTICES_DRAFT,
    Permission.NOTICES_REVIEW,
    Permission.NOTICES_ISSUE,
    Permission.NOTICES_RECEIVE,
)
"""Who has one of these works with notices: sees those of the unit, its templates and its numbers."""


def holdings(membership: PersonMembership) -> frozenset[str]:
    """Return the permissions and roles of a membership."""
    return built_in_permissions(membership.roles) | frozenset(membership.roles)
