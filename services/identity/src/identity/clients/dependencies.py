"""The feature's services, assembled for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.clients.registration import Registrations
from identity.clients.service import Clients
from identity.dependencies import Clock, Settings
from identity.grants.dependencies import Service as Grants
from servicekit.db import Session


async def _clients(
    request: Request, session: Session, clock: Clock, settings: Settings, grants: Grants
) -> Clients:
    return Clients(session, clock, settings, request.app.state.client_cache, grants)


Service = Annotated[Clients, Depends(_clients)]


async def _registrations(session: Session, clock: Clock, clients: Service) -> Registrations:
    return Registrations(session, clock, clients)


Registration = Annotated[Registrations, Depends(_registrations)]
