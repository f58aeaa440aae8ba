"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.published.service import Published
from cockpit.standards.dependencies import StandardService
from servicekit.db import Session


async def _published(session: Session, access: AccessService, standards: StandardService) -> Published:
    return Published(session, access, standards)


PublishedService = Annotated[Published, Depends(_published)]
