"""Actor types for templates, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from contracts.vocabulary import Permission
from office.actors import Actor, acting_as
from office.permissions import OFFICE

TemplateUser = Annotated[Actor, Depends(acting_as(*OFFICE))]
"""Works with the unit's notices: may use templates."""

TemplateWriter = Annotated[Actor, Depends(acting_as(Permission.TEMPLATES_MANAGE))]
"""May write the unit's templates and offer them downward."""
