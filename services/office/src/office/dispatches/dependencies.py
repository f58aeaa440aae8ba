"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.addressing.dependencies import AddressingService
from office.directory.dependencies import UnitService
from office.dispatches.service import Dispatches
from servicekit.db import Session


async def _dispatches(session: Session, units: UnitService, addressing: AddressingService) -> Dispatches:
    return Dispatches(session, units, addressing)


DispatchService = Annotated[Dispatches, Depends(_dispatches)]
