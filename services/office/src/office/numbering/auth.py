"""Actor types for document numbers, with the roles they require."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as
from office.numbering.rules import READING_ROLES, SETTING_ROLES

Registrar = Annotated[Actor, Depends(acting_as(*SETTING_ROLES))]
"""签发人, 单位管理员: may set up the unit's series."""

Reader = Annotated[Actor, Depends(acting_as(*READING_ROLES))]
"""Anybody with a role in the unit: may see its series and register."""
