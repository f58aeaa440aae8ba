"""Builds the feature's services for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.audit.dependencies import AuditService
from identity.clients.naming import Names
from identity.clients.registration import Registrations
from identity.clients.service import Clients
from identity.clients.states import ClientStates
from identity.dependencies import ServiceSettings
from identity.revocations.dependencies import RevocationService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _clients(
    request: Request,
    session: Session,
    clock: ServiceClock,
    settings: ServiceSettings,
    audit: AuditService,
) -> Clients:
    return Clients(session, clock, settings, request.app.state.client_cache, audit)


ClientService = Annotated[Clients, Depends(_clients)]


async def _states(
    session: Session, clock: ServiceClock, clients: ClientService, revocations: RevocationService
) -> ClientStates:
    return ClientStates(session, clock, clients, revocations)


ClientStateService = Annotated[ClientStates, Depends(_states)]


async def _names(request: Request, session: Session) -> Names:
    return Names(session, request.app.state.client_cache, request.app.state.database)


NameService = Annotated[Names, Depends(_names)]


async def _registrations(
    session: Session, clock: ServiceClock, clients: ClientService, audit: AuditService
) -> Registrations:
    return Registrations(session, clock, clients, audit)


RegistrationService = Annotated[Registrations, Depends(_registrations)]
