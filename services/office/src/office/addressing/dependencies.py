"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.addressing.service import Addressing
from servicekit.db import Session


async def _addressing(session: Session) -> Addressing:
    return Addressing(session)


AddressingService = Annotated[Addressing, Depends(_addressing)]
