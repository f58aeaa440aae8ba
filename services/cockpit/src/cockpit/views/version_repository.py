"""Reads the version of what a view was made from."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.service import Units
from cockpit.views.statements import VERSION, Version, parameters
from servicekit.lanes import InSession, Lanes


class Versions:
    """Read versions, on a lane or in the transaction of the request."""

    def __init__(self, session: AsyncSession, lanes: Lanes, units: Units) -> None:
        self._session = session
        self._lanes = lanes
        self._units = units

    def sources(self, places: Iterable[str]) -> Mapping[str, Any]:
        """Return what an answer was made from: cells of some places, and all units looked up so far."""
        return parameters(places, self._units.lookups)

    async def now(self, sources: Mapping[str, Any]) -> Version | None:
        """Return the present version, None while a load is missing from the cells."""
        async with self._lanes.transaction() as lane:
            return Version.of(await lane.first(VERSION, sources))

    async def held(self, sources: Mapping[str, Any]) -> Version | None:
        """Return the version at the moment that the request sees (`Cells.hold`)."""
        return Version.of(await InSession(self._session).first(VERSION, sources))
