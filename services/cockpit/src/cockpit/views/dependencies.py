"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.cells.dependencies import CellService
from cockpit.disclosure.dependencies import DisclosureService
from cockpit.query.dependencies import PlaceService
from cockpit.views.service import Views
from servicekit.dependencies import ServiceClock


async def _views(
    clock: ServiceClock, places: PlaceService, cells: CellService, disclosure: DisclosureService
) -> Views:
    return Views(clock, places, cells, disclosure)


ViewService = Annotated[Views, Depends(_views)]
