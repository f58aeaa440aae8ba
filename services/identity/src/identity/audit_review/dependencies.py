"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.audit_review.service import AuditTrail
from identity.directory.dependencies import DirectoryService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _audit_trail(
    session: Session, clock: ServiceClock, audit: AuditService, directory: DirectoryService
) -> AuditTrail:
    return AuditTrail(session, clock, audit, directory)


AuditTrailService = Annotated[AuditTrail, Depends(_audit_trail)]
