"""Actor types for document numbers, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from contracts.vocabulary import Permission
from office.actors import Actor, acting_as
from office.permissions import OFFICE

Registrar = Annotated[Actor, Depends(acting_as(Permission.NUMBERS_MANAGE))]
"""May set up the unit's series."""

Reader = Annotated[Actor, Depends(acting_as(*OFFICE))]
"""Works with the unit's notices: may see its series and register."""
