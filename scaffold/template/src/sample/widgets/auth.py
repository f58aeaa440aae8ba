"""Actor types for widgets, with the roles they require."""

from typing import Annotated

from fastapi import Depends

from authkit.actors import Actor, acting_as
from contracts.vocabulary import Role

SCOPE = "sample"
"""What a client must have asked for."""

Member = Annotated[Actor, Depends(acting_as(scope=SCOPE))]
"""Any member of a unit: reads widgets of the unit and of those below it."""

Handler = Annotated[Actor, Depends(acting_as(Role.HANDLER, Role.UNIT_ADMIN, scope=SCOPE))]
"""经办人, 单位管理员: may write widgets of the unit."""
