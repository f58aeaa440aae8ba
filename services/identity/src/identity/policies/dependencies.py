"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from contracts.vocabulary import PolicyKind
from identity.audit.dependencies import AuditService
from identity.audit.service import AuditLog
from identity.policies.rules import Document
from identity.policies.service import Policies
from servicekit.clock import Clock
from servicekit.db import Database, Session
from servicekit.dependencies import ServiceClock


async def _policies(request: Request, session: Session, clock: ServiceClock, audit: AuditService) -> Policies:
    return Policies(session, clock, audit, request.app.state.policies)


async def publish(database: Database, clock: Clock, current: dict[PolicyKind, Document]) -> None:
    """Store the current versions, when the service starts. Raises `DocumentChanged`."""
    async with database.transaction() as session:
        await Policies(session, clock, AuditLog(session, clock), current).publish()


PolicyService = Annotated[Policies, Depends(_policies)]
