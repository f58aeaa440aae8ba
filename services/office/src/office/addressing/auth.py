"""Actor types for addressing, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as
from office.permissions import OFFICE

Sender = Annotated[Actor, Depends(acting_as(*OFFICE))]
"""May address the units below the own one."""
