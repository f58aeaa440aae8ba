"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.cells.dependencies import CellWriter
from cockpit.dependencies import FactStore
from cockpit.histories.service import Histories
from cockpit.individuals.dependencies import LookService
from servicekit.db import Session


async def _histories(
    session: Session, looks: LookService, access: AccessService, builder: CellWriter, analytics: FactStore
) -> Histories:
    return Histories(session, looks, access, builder, analytics)


HistoryService = Annotated[Histories, Depends(_histories)]
