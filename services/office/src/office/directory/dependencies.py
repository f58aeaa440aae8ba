"""Build the services of the directory within the request's transaction."""

from typing import Annotated

from fastapi import Depends, Request

from office.directory.service import Allowances, Units
from servicekit.db import Session


async def _units(request: Request, session: Session) -> Units:
    return Units(session, request.app.state.search_frequencies)


UnitService = Annotated[Units, Depends(_units)]


async def _allowances(session: Session) -> Allowances:
    return Allowances(session)


AllowanceService = Annotated[Allowances, Depends(_allowances)]
