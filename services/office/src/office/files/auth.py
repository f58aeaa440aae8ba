"""Actor types for files, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from contracts.vocabulary import Permission
from office.actors import Actor, acting_as

FileAuditor = Annotated[Actor, Depends(acting_as(Permission.FILES_AUDIT))]
"""May see who has downloaded the files of the unit."""
