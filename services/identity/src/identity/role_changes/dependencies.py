"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.platform.dependencies import PlatformService
from identity.role_changes.service import RoleChanges
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _role_changes(
    session: Session, clock: ServiceClock, platform: PlatformService, audit: AuditService
) -> RoleChanges:
    return RoleChanges(session, clock, platform, audit)


RoleChangeService = Annotated[RoleChanges, Depends(_role_changes)]
