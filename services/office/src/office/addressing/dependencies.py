"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.addressing.service import Addressing
from office.groups.dependencies import GroupService
from servicekit.db import Session


async def _addressing(session: Session, groups: GroupService) -> Addressing:
    return Addressing(session, groups)


AddressingService = Annotated[Addressing, Depends(_addressing)]
