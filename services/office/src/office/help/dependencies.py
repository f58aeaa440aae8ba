"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.directory.dependencies import UnitService
from office.help.service import Help
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _help(session: Session, clock: ServiceClock, units: UnitService) -> Help:
    return Help(session, clock, units)


HelpService = Annotated[Help, Depends(_help)]
