"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.dependencies import ServiceVault
from identity.search.service import Searches
from identity.units.dependencies import UnitService
from servicekit.db import Session


async def _searches(request: Request, session: Session, vault: ServiceVault, units: UnitService) -> Searches:
    return Searches(session, vault, units, request.app.state.search_frequencies)


SearchService = Annotated[Searches, Depends(_searches)]
