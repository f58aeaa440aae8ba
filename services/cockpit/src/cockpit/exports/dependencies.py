"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.exports.service import Exports, Figures
from cockpit.overview.dependencies import OverviewService
from cockpit.query.dependencies import QueryService
from cockpit.views.dependencies import ViewService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _exports(
    session: Session,
    clock: ServiceClock,
    access: AccessService,
    queries: QueryService,
    views: ViewService,
    overviews: OverviewService,
) -> Exports:
    return Exports(session, clock, access, Figures(queries, views, overviews))


ExportService = Annotated[Exports, Depends(_exports)]
