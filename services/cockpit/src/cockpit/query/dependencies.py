"""Build the feature's services for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.cells.dependencies import CellService
from cockpit.directory.dependencies import UnitService
from cockpit.disclosure.dependencies import DisclosureService
from cockpit.query.placing import Places
from cockpit.query.service import Queries
from servicekit.dependencies import ServiceClock


async def _places(access: AccessService, units: UnitService, cells: CellService) -> Places:
    return Places(access, units, cells)


PlaceService = Annotated[Places, Depends(_places)]


async def _queries(
    clock: ServiceClock, places: PlaceService, cells: CellService, disclosure: DisclosureService
) -> Queries:
    return Queries(clock, places, cells, disclosure)


QueryService = Annotated[Queries, Depends(_queries)]
