"""Actor types for addressing, with the roles they require."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as
from office.addressing.rules import SENDING_ROLES

Sender = Annotated[Actor, Depends(acting_as(*SENDING_ROLES))]
"""May address the units below the own one."""
