"""Builds the issuer for one request."""

from typing import Annotated

from fastapi import Depends, Request, Response

from identity.dependencies import ServiceVault
from identity.oauth.authorization.interaction import COOKIE, LIFETIME, Interactions
from identity.oauth.service import OAuth
from identity.oauth.state.dependencies import CallContext
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _oauth(request: Request, session: Session, context: CallContext) -> OAuth:
    return OAuth(session, context, request.app.state.issuer)


OAuthService = Annotated[OAuth, Depends(_oauth)]


async def _interactions(request: Request, vault: ServiceVault, clock: ServiceClock) -> Interactions:
    return Interactions(vault, clock, request.cookies.get(COOKIE))


BrowserInteractions = Annotated[Interactions, Depends(_interactions)]
"""Markers of this browser."""


def keep(flow: Interactions, response: Response, *, secure: bool) -> Response:
    """Set the cookie that binds markers to the browser."""
    if flow.new_cookie:
        response.set_cookie(
            COOKIE,
            flow.cookie,
            max_age=int(LIFETIME.total_seconds()) * 4,
            httponly=True,
            samesite="lax",
            secure=secure,
            path="/",
        )
    return response
