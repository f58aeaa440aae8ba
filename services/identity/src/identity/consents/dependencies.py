"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.consents.service import Consents
from identity.revocations.dependencies import RevocationService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _consents(
    session: Session, clock: ServiceClock, revocations: RevocationService, audit: AuditService
) -> Consents:
    return Consents(session, clock, revocations, audit)


ConsentService = Annotated[Consents, Depends(_consents)]
