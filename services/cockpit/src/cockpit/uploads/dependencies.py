"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.access.dependencies import AccessService
from cockpit.uploads.service import Uploads
from servicekit.cipher import Cipher
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _uploads(request: Request, session: Session, clock: ServiceClock, access: AccessService) -> Uploads:
    limit: int = request.app.state.resumable_upload_limit
    cipher: Cipher = request.app.state.upload_cipher
    return Uploads(session, clock, access, cipher, limit)


UploadService = Annotated[Uploads, Depends(_uploads)]
