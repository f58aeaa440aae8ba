"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.addressing.dependencies import AddressingService
from office.asking.dependencies import AskingService
from office.directory.dependencies import UnitService
from office.dispatches.dependencies import DispatchService
from office.forwarding.service import Forwardings
from office.notices.dependencies import NoticeService
from office.returns.dependencies import ReturnService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _forwardings(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    notices: NoticeService,
    addressing: AddressingService,
    dispatches: DispatchService,
    returns: ReturnService,
    asking: AskingService,
) -> Forwardings:
    return Forwardings(session, clock, units, notices, addressing, dispatches, returns, asking)


ForwardingService = Annotated[Forwardings, Depends(_forwardings)]
