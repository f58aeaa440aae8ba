"""Build the hub of a process, and the service of streams for each request."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.revocation import RevocationList
from office.desk.dependencies import DeskService, lists_in
from office.desk.rules import Me
from office.desk.schemas import CountsOut
from office.live.hub import Hub
from office.live.service import Streams
from servicekit.clock import Clock
from servicekit.db import Database, Session


def live_hub(database: Database, clock: Clock, revocations: RevocationList) -> Hub:
    """Return the hub of this process."""

    async def count(session: AsyncSession, me: Me) -> str:
        return CountsOut.of(await lists_in(session, clock).counts_of(me)).model_dump_json()

    return Hub(database, revocations=revocations, count=count)


async def _streams(request: Request, session: Session, desk: DeskService) -> Streams:
    return Streams(session, desk, request.app.state.hub)


StreamService = Annotated[Streams, Depends(_streams)]
