"""Builds the feature's services for one request."""

from typing import Annotated

from fastapi import Depends

from identity.dependencies import ServiceSettings
from identity.revocations.service import LiveRevocations, Revocations
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _revocations(session: Session, clock: ServiceClock, settings: ServiceSettings) -> Revocations:
    return Revocations(session, clock, settings.access_token_seconds)


RevocationService = Annotated[Revocations, Depends(_revocations)]


async def _live(session: Session, clock: ServiceClock) -> LiveRevocations:
    return LiveRevocations(session, clock)


LiveRevocationService = Annotated[LiveRevocations, Depends(_live)]
