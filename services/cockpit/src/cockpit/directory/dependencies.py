"""Build the unit service within the request's transaction."""

from typing import Annotated

from fastapi import Depends

from cockpit.directory.service import Units
from servicekit.db import Session


async def _units(session: Session) -> Units:
    return Units(session)


UnitService = Annotated[Units, Depends(_units)]
