"""Actor types for help, with the roles they require."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as
from office.help.rules import WRITING_ROLES

HelpWriter = Annotated[Actor, Depends(acting_as(*WRITING_ROLES))]
"""单位管理员, 签发人: may write articles if their unit is the centre."""
