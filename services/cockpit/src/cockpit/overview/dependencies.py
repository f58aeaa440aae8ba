"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.cells.dependencies import CellService
from cockpit.directory.dependencies import UnitService
from cockpit.disclosure.dependencies import DisclosureService
from cockpit.overview.service import Overviews
from cockpit.published.dependencies import PublishedService
from servicekit.dependencies import ServiceClock


async def _overviews(
    clock: ServiceClock,
    access: AccessService,
    units: UnitService,
    cells: CellService,
    disclosure: DisclosureService,
    published: PublishedService,
) -> Overviews:
    return Overviews(clock, access, units, cells, disclosure, published)


OverviewService = Annotated[Overviews, Depends(_overviews)]
