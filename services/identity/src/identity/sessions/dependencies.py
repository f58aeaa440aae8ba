"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.dependencies import ServiceSettings
from identity.revocations.dependencies import RevocationService
from identity.sessions.service import Sessions
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _sessions(
    session: Session,
    clock: ServiceClock,
    settings: ServiceSettings,
    revocations: RevocationService,
    audit: AuditService,
) -> Sessions:
    return Sessions(session, clock, settings, revocations, audit)


SessionService = Annotated[Sessions, Depends(_sessions)]
