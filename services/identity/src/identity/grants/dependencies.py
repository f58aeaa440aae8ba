"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.grants.service import Grants
from identity.revocations.dependencies import RevocationService
from servicekit.dependencies import ServiceClock


async def _grants(clock: ServiceClock, revocations: RevocationService, audit: AuditService) -> Grants:
    return Grants(clock, revocations, audit)


GrantService = Annotated[Grants, Depends(_grants)]
