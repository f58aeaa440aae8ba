"""Actor types for notices, with the roles they require."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as
from office.notices.rules import (
    DELIVERY_ROLES,
    DRAFTING_ROLES,
    ISSUING_ROLES,
    OFFICE_ROLES,
    REVIEWING_ROLES,
)

Drafter = Annotated[Actor, Depends(acting_as(*DRAFTING_ROLES))]
"""May write drafts."""

Officer = Annotated[Actor, Depends(acting_as(*OFFICE_ROLES))]
"""Has a role in the unit: sees its own notices; only drafters see drafts."""

Reviewer = Annotated[Actor, Depends(acting_as(*REVIEWING_ROLES))]
"""审核人: may review what others have written."""

Decider = Annotated[Actor, Depends(acting_as(*REVIEWING_ROLES, *ISSUING_ROLES))]
"""审核人, 签发人: may return a notice to its drafter."""

Issuer = Annotated[Actor, Depends(acting_as(*ISSUING_ROLES))]
"""签发人: may issue, withdraw and archive."""

Clerk = Annotated[Actor, Depends(acting_as(*DELIVERY_ROLES))]
"""May forward and sign for the unit."""
