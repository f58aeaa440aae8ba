"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.exports.service import Exports
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _exports(session: Session, clock: ServiceClock) -> Exports:
    return Exports(session, clock)


ExportService = Annotated[Exports, Depends(_exports)]
