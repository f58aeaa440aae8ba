"""Actor types for widgets, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from authkit.actors import Actor, acting_as
from contracts.vocabulary import Permission

SCOPE = "sample"
"""What a client must have asked for."""

Member = Annotated[Actor, Depends(acting_as(scope=SCOPE))]
"""Any member of a unit: reads widgets of the unit and of those below it."""

Handler = Annotated[Actor, Depends(acting_as(Permission.NOTICES_DRAFT, scope=SCOPE))]
"""May write widgets of the unit. Name a permission of your own, or add one to the vocabulary."""
