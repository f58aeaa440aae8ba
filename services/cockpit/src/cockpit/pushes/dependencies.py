"""Build the feature's services for each request."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.access.dependencies import AccessService
from cockpit.intake.quarantine import Quarantine
from cockpit.pushes.service import Pushes, PushGrants
from servicekit.db import Session
from servicekit.dependencies import ServiceClock, ServiceDatabase


async def _grants(session: Session, clock: ServiceClock, access: AccessService) -> PushGrants:
    return PushGrants(session, clock, access)


GrantService = Annotated[PushGrants, Depends(_grants)]


async def _pushes(
    request: Request, session: Session, clock: ServiceClock, database: ServiceDatabase
) -> Pushes:
    return Pushes(session, clock, request.app.state.receiver, Quarantine(database))


PushService = Annotated[Pushes, Depends(_pushes)]
