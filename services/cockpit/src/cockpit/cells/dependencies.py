"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.cells.building import CellBuilder
from cockpit.cells.service import Cells
from servicekit.db import Session


async def _cells(session: Session, request: Request) -> Cells:
    return Cells(session, request.app.state.cell_overlaps, request.app.state.cell_multiples)


async def _builder(request: Request) -> CellBuilder:
    builder: CellBuilder = request.app.state.cell_builder
    return builder


CellService = Annotated[Cells, Depends(_cells)]
CellWriter = Annotated[CellBuilder, Depends(_builder)]
"""The builder of the process."""
