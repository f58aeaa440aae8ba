"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.access.dependencies import AccessService
from cockpit.cells.dependencies import CellService, CellWriter
from cockpit.dependencies import FactStore
from cockpit.intake.facts import FactWriter, PublishedLines
from cockpit.intake.quarantine import Quarantine
from cockpit.intake.receiving import Receiver
from cockpit.intake.service import Batches
from servicekit.db import Session
from servicekit.dependencies import ServiceClock, ServiceDatabase


async def _receiver(request: Request) -> Receiver:
    receiver: Receiver = request.app.state.receiver
    return receiver


async def _batches(
    session: Session,
    clock: ServiceClock,
    access: AccessService,
    analytics: FactStore,
    builder: CellWriter,
    cells: CellService,
    receiver: Annotated[Receiver, Depends(_receiver)],
    database: ServiceDatabase,
) -> Batches:
    return Batches(
        session,
        clock,
        access,
        FactWriter(analytics),
        builder,
        cells,
        receiver,
        Quarantine(database),
        PublishedLines(analytics),
    )


BatchService = Annotated[Batches, Depends(_batches)]
