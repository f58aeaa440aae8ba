"""What endpoints of several features take from the application."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.analytics.store import Analytics as AnalyticsType
from servicekit.clock import Clock as ClockProtocol


async def _clock(request: Request) -> ClockProtocol:
    clock: ClockProtocol = request.app.state.clock
    return clock


async def _analytics(request: Request) -> AnalyticsType:
    analytics: AnalyticsType = request.app.state.analytics
    return analytics


Clock = Annotated[ClockProtocol, Depends(_clock)]
Analytics = Annotated[AnalyticsType, Depends(_analytics)]
