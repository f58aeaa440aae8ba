"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.access.dependencies import AccessService
from cockpit.uploads.service import Space, Uploads
from servicekit.cipher import Cipher
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _uploads(request: Request, session: Session, clock: ServiceClock, access: AccessService) -> Uploads:
    state = request.app.state
    space = Space(limit=state.resumable_upload_limit, quota=state.upload_quota)
    cipher: Cipher = state.upload_cipher
    return Uploads(session, clock, access, cipher, space)


UploadService = Annotated[Uploads, Depends(_uploads)]
