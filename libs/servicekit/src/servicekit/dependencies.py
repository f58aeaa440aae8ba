"""Dependencies from the application for endpoints, in addition to `servicekit.db.Session`."""

from typing import Annotated

from fastapi import Depends, Request

from servicekit.clock import Clock
from servicekit.db import Database


async def _clock(request: Request) -> Clock:
    clock: Clock = request.app.state.clock
    return clock


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


ServiceClock = Annotated[Clock, Depends(_clock)]
"""The application's clock."""

ServiceDatabase = Annotated[Database, Depends(_database)]
"""The application's database, for work outside the request's transaction."""
