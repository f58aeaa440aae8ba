"""Build the unit service within the request's transaction."""

from typing import Annotated

from fastapi import Depends, Request

from office.directory.service import Units
from servicekit.db import Session


async def _units(request: Request, session: Session) -> Units:
    return Units(session, request.app.state.search_frequencies)


UnitService = Annotated[Units, Depends(_units)]
