"""Actor types for notices, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from contracts.vocabulary import Permission
from office.actors import Actor, acting_as
from office.permissions import OFFICE

Drafter = Annotated[Actor, Depends(acting_as(Permission.NOTICES_DRAFT))]
"""May write drafts."""

Officer = Annotated[Actor, Depends(acting_as(*OFFICE))]
"""Works with the unit's notices: sees them; only drafters see drafts."""

Reviewer = Annotated[Actor, Depends(acting_as(Permission.NOTICES_REVIEW))]
"""May review what others have written."""

Decider = Annotated[Actor, Depends(acting_as(Permission.NOTICES_REVIEW, Permission.NOTICES_ISSUE))]
"""May return a notice to its drafter."""

Issuer = Annotated[Actor, Depends(acting_as(Permission.NOTICES_ISSUE))]
"""May issue, withdraw and archive."""

Clerk = Annotated[Actor, Depends(acting_as(Permission.NOTICES_RECEIVE))]
"""May forward and sign for the unit."""
