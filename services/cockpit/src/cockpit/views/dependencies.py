"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.cells.dependencies import CellService
from cockpit.directory.dependencies import UnitService
from cockpit.disclosure.dependencies import DisclosureService
from cockpit.query.dependencies import PlaceService
from cockpit.views.keeping import KeptViews
from cockpit.views.service import Views
from cockpit.views.version_repository import Versions
from servicekit.db import Database, Session
from servicekit.dependencies import ServiceClock


async def _views(
    request: Request,
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    places: PlaceService,
    cells: CellService,
    disclosure: DisclosureService,
) -> Views:
    database: Database = request.app.state.database
    kept: KeptViews = request.app.state.kept_views
    versions = Versions(session, database.lanes, units)
    return Views(clock, places, cells, disclosure, kept, versions)


ViewService = Annotated[Views, Depends(_views)]
