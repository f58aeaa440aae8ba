"""Who administers policy standards: people of the centre with the permission."""

from typing import Annotated

from fastapi import Depends

from authkit.principal import Principal
from cockpit.access import rules
from cockpit.access.auth import access
from cockpit.standards.errors import CentreOnly
from contracts.vocabulary import Level, Permission
from servicekit.permissions import requiring

_Manager = Annotated[Principal, Depends(access(rules.WRITE, permissions=(Permission.STANDARDS_MANAGE,)))]


@requiring(Permission.STANDARDS_MANAGE)
async def _of_the_centre(actor: _Manager) -> Principal:
    if actor.acting is None or actor.acting.level != Level.MINISTRY:
        raise CentreOnly
    return actor


StandardsManager = Annotated[Principal, Depends(_of_the_centre)]
"""Changes policy standards."""
