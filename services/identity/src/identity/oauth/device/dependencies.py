"""The feature's service, built for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.consents.dependencies import Service as Consents
from identity.oauth.device.service import Devices
from servicekit.db import Session


async def _service(request: Request, session: Session, consents: Consents) -> Devices:
    address = request.client.host if request.client else "-"
    return Devices(session, request.app.state.parts, consents, address)


Service = Annotated[Devices, Depends(_service)]
