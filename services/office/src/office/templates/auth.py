"""Actor types for templates, with the roles they require."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as
from office.templates.rules import READING_ROLES, WRITING_ROLES

TemplateUser = Annotated[Actor, Depends(acting_as(*READING_ROLES))]
"""Anybody with a role in the unit: may use templates."""

TemplateWriter = Annotated[Actor, Depends(acting_as(*WRITING_ROLES))]
"""签发人, 单位管理员: may write the unit's templates and offer them downward."""
