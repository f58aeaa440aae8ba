"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.cells.dependencies import CellService
from cockpit.directory.dependencies import UnitService
from cockpit.disclosure.service import Decided, Disclosure
from servicekit.db import Session


async def _disclosure(
    request: Request, session: Session, units: UnitService, cells: CellService
) -> Disclosure:
    decided: Decided = request.app.state.decided_tables
    active: bool = request.app.state.hide_small_cells
    return Disclosure(session, units, decided, cells, active=active)


DisclosureService = Annotated[Disclosure, Depends(_disclosure)]
