"""Application state shared by the dependencies of several features."""

from typing import Annotated

from fastapi import Depends, Request

from cockpit.analytics.store import Analytics


async def _analytics(request: Request) -> Analytics:
    analytics: Analytics = request.app.state.analytics
    return analytics


FactStore = Annotated[Analytics, Depends(_analytics)]
"""The store of facts."""
