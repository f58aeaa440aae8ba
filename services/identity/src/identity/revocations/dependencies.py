"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.dependencies import ServiceSettings
from identity.revocations.service import Revocations
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _revocations(session: Session, clock: ServiceClock, settings: ServiceSettings) -> Revocations:
    return Revocations(session, clock, settings.access_token_seconds)


RevocationService = Annotated[Revocations, Depends(_revocations)]
