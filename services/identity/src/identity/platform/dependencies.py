"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.platform.service import Platform
from servicekit.db import Session


async def _platform(session: Session) -> Platform:
    return Platform(session)


PlatformService = Annotated[Platform, Depends(_platform)]
