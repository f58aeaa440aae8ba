"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.assignments.dependencies import AssignmentService
from office.directory.dependencies import UnitService
from office.dispatches.dependencies import DispatchService
from office.notices.dependencies import NoticeService
from office.receipts.inbox import Inboxes
from office.receipts.receiving import Receiving
from office.receipts.service import Receipts
from office.returns.dependencies import ReturnService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock
from servicekit.lanes import RequestLane


async def _receipts(
    session: Session,
    units: UnitService,
    notices: NoticeService,
    dispatches: DispatchService,
    returns: ReturnService,
    assignments: AssignmentService,
) -> Receipts:
    return Receipts(session, units, notices, dispatches, returns, assignments)


ReceiptService = Annotated[Receipts, Depends(_receipts)]


async def _receiving(lane: RequestLane, clock: ServiceClock) -> Receiving:
    return Receiving(lane, clock)


ReceivingService = Annotated[Receiving, Depends(_receiving)]


async def _inboxes(lane: RequestLane, clock: ServiceClock) -> Inboxes:
    return Inboxes(lane, clock)


InboxService = Annotated[Inboxes, Depends(_inboxes)]
