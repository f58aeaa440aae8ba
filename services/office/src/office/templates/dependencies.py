"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.directory.dependencies import UnitService
from office.templates.service import Templates
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _templates(session: Session, clock: ServiceClock, units: UnitService) -> Templates:
    return Templates(session, clock, units)


TemplateService = Annotated[Templates, Depends(_templates)]
