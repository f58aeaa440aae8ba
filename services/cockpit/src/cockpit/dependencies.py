"""What the dependencies of several features take from the application."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.analytics.store import Analytics
from servicekit.clock import Clock
from servicekit.db import Database


async def _clock(request: Request) -> Clock:
    clock: Clock = request.app.state.clock
    return clock


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _analytics(request: Request) -> Analytics:
    analytics: Analytics = request.app.state.analytics
    return analytics


ServiceClock = Annotated[Clock, Depends(_clock)]
ServiceDatabase = Annotated[Database, Depends(_database)]
FactStore = Annotated[Analytics, Depends(_analytics)]
