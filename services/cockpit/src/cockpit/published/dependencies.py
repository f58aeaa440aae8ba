"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.published.service import Published
from servicekit.db import Session


async def _published(session: Session, access: AccessService) -> Published:
    return Published(session, access)


PublishedService = Annotated[Published, Depends(_published)]
