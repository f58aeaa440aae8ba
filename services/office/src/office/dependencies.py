"""What the dependencies of several features take from the application."""

from typing import Annotated

from fastapi import Depends, Request

from servicekit.clock import Clock


async def _clock(request: Request) -> Clock:
    clock: Clock = request.app.state.clock
    return clock


ServiceClock = Annotated[Clock, Depends(_clock)]
"""The application's clock."""
