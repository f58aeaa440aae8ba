"""Actor types for notices, with the roles they require."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as
from office.notices.rules import DELIVERY_ROLES, DRAFTING_ROLES, ISSUING_ROLES

Drafter = Annotated[Actor, Depends(acting_as(*DRAFTING_ROLES))]
"""May write drafts and see the unit's own notices."""

Issuer = Annotated[Actor, Depends(acting_as(*ISSUING_ROLES))]
"""签发人: may publish and withdraw."""

Clerk = Annotated[Actor, Depends(acting_as(*DELIVERY_ROLES))]
"""May forward and sign for the unit."""
