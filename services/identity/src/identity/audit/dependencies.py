"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.service import AuditLog
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _audit_log(session: Session, clock: ServiceClock) -> AuditLog:
    return AuditLog(session, clock)


AuditService = Annotated[AuditLog, Depends(_audit_log)]
