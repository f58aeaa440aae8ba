"""Actor types for help, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from contracts.vocabulary import Permission
from office.actors import Actor, acting_as

HelpWriter = Annotated[Actor, Depends(acting_as(Permission.HELP_WRITE))]
"""May write articles if their unit is the centre."""
