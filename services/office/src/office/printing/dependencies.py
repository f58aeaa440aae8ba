"""Build the feature's service for each request, and find the process's printer."""

from typing import Annotated

from fastapi import Depends, Request

from office.directory.dependencies import UnitService
from office.notices.dependencies import NoticeService
from office.numbering.dependencies import NumberingService
from office.printing.printer import Printer
from office.printing.service import Printing


async def _printing(units: UnitService, notices: NoticeService, numbering: NumberingService) -> Printing:
    return Printing(units, notices, numbering)


PrintingService = Annotated[Printing, Depends(_printing)]


async def _printer(request: Request) -> Printer:
    printer: Printer = request.app.state.printer
    return printer


ServicePrinter = Annotated[Printer, Depends(_printer)]
"""The printer of this process."""
