"""Builds the issuer for one request."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from identity.dependencies import ServiceVault
from identity.oauth.authorization.interaction import COOKIE, LIFETIME, Interactions
from identity.oauth.service import OAuth
from identity.oauth.state.dependencies import CallContext, make_context
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _oauth(request: Request, session: Session, context: CallContext) -> OAuth:
    return OAuth(session, context, request.app.state.issuer)


OAuthService = Annotated[OAuth, Depends(_oauth)]


@asynccontextmanager
async def issuer(request: Request) -> AsyncIterator[OAuth]:
    """Build the issuer for a `ProtocolRoute`; the transaction commits before the response is sent."""
    state = request.app.state
    async with state.database.transaction() as session:
        yield OAuth(session, make_context(session, state.parts), state.issuer)


class ProtocolRoute(APIRoute):
    """A route whose endpoint takes only the request.

    Clients call the token endpoint and its neighbours thousands of times a second, and resolving dependencies
    costs more than the work of most calls.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


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
