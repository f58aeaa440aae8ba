"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.audit.dependencies import AuditService
from identity.dependencies import ServiceSettings
from identity.revocations.dependencies import RevocationService
from identity.sessions.devices import device_of
from identity.sessions.places import PlaceResolver
from identity.sessions.service import Sessions
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _sessions(
    request: Request,
    session: Session,
    clock: ServiceClock,
    settings: ServiceSettings,
    revocations: RevocationService,
    audit: AuditService,
) -> Sessions:
    address = request.client.host if request.client else ""
    places: PlaceResolver = request.app.state.places
    device = device_of(request.headers.get("user-agent", ""), address, places.place(address))
    return Sessions(session, clock, settings, revocations, audit, device)


SessionService = Annotated[Sessions, Depends(_sessions)]
