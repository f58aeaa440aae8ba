"""Build the feature's services for each request."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.access.dependencies import AccessService
from cockpit.intake.contributions import Contributions
from cockpit.intake.quarantine import Quarantine
from cockpit.intake.service import Batches
from cockpit.published.dependencies import PublishedService
from servicekit.db import Session
from servicekit.dependencies import ServiceDatabase


async def _batches(
    session: Session, access: AccessService, database: ServiceDatabase, published: PublishedService
) -> Batches:
    return Batches(session, access, Quarantine(database), published)


BatchService = Annotated[Batches, Depends(_batches)]


async def _contributions(
    request: Request, session: Session, access: AccessService, batches: BatchService
) -> Contributions:
    state = request.app.state
    return Contributions(session, access, batches, state.receiver, state.reversals)


ContributionService = Annotated[Contributions, Depends(_contributions)]
