"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.audit.dependencies import AuditService
from identity.consents.dependencies import ConsentService
from identity.oauth.device.service import Devices
from servicekit.db import Session


async def _devices(
    request: Request, session: Session, consents: ConsentService, audit: AuditService
) -> Devices:
    address = request.client.host if request.client else "-"
    return Devices(session, request.app.state.parts, consents, audit, address)


DeviceService = Annotated[Devices, Depends(_devices)]
