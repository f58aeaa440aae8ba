"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.asking.dependencies import AskingService
from office.assignments.dependencies import AssignmentService
from office.counters.dependencies import CounterService
from office.directory.dependencies import UnitService
from office.dispatches.dependencies import DispatchService
from office.notices.dependencies import NoticeService
from office.receipts.service import Receipts
from office.returns.dependencies import ReturnService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _receipts(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    notices: NoticeService,
    dispatches: DispatchService,
    returns: ReturnService,
    assignments: AssignmentService,
    counters: CounterService,
    asking: AskingService,
) -> Receipts:
    return Receipts(session, clock, units, notices, dispatches, returns, assignments, counters, asking)


ReceiptService = Annotated[Receipts, Depends(_receipts)]
