"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from sample.widgets.service import Widgets
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _widgets(session: Session, clock: ServiceClock) -> Widgets:
    return Widgets(session, clock)


WidgetService = Annotated[Widgets, Depends(_widgets)]
