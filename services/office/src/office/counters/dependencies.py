"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.counters.service import Counters
from servicekit.db import Session


async def _counters(session: Session) -> Counters:
    return Counters(session)


CounterService = Annotated[Counters, Depends(_counters)]
