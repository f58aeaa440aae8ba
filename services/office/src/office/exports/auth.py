"""Actor types for exports, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from contracts.vocabulary import Permission
from office.actors import Actor, acting_as

ExportAuditor = Annotated[Actor, Depends(acting_as(Permission.FILES_AUDIT))]
"""May see who has exported what in the unit."""
