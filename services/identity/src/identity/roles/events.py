"""What other services are told about a role."""

from contracts.identity import RoleChangedV1
from identity.roles.models import RoleDefinition


def role_changed(role: RoleDefinition) -> RoleChangedV1:
    """Return the event for the current state of a role: a retired one allows nothing."""
    retired = role.retired_at is not None
    return RoleChangedV1(
        code=role.code,
        name=role.name,
        permissions=[] if retired else role.permissions,
        version=role.version,
        retired=retired,
    )
