"""The issuer, assembled for one request."""

from typing import Annotated

from fastapi import Depends, Request, Response

from identity.dependencies import Clock, Settings
from identity.oauth.interaction import COOKIE, LIFETIME, Interactions
from identity.oauth.service import OAuth
from identity.vault import Vault
from servicekit.clock import Clock as ClockProtocol
from servicekit.db import Session


async def _oauth(request: Request, session: Session, settings: Settings, clock: Clock) -> OAuth:
    return OAuth(session, settings, clock, request.app.state.key_ring, request.app.state.issuer)


Issuer = Annotated[OAuth, Depends(_oauth)]


def interactions(request: Request, vault: Vault, clock: ClockProtocol) -> Interactions:
    """Markers of this browser."""
    return Interactions(vault, clock, request.cookies.get(COOKIE))


def keep(flow: Interactions, response: Response, *, secure: bool) -> Response:
    """Set the browser's cookie that markers are bound to."""
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
