"""The entries for calls to services: `/api/{service}/v1/…` is `/api/v1/…` of the service.

Mounted as ASGI applications: the portal neither validates nor documents what the services do.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from contracts.vocabulary import Audience
from portal.proxying.errors import NotProxied
from portal.proxying.rules import Routes
from portal.proxying.service import Proxy, wants_events
from portal.sessions.dependencies import attended, current_with_token, of_portal, wall
from portal.sessions.models import BrowserSession
from portal.sessions.renewing import BoundToken

log = structlog.get_logger("proxying")

PREFIX: Final = "/api"
WALLS: Final = "/api/wall"
"""Of wall displays, which have a session and operations of their own."""


Found = tuple[BrowserSession, BoundToken | None]
"""A session, and the token that it has."""


async def of_person(request: Request, audience: Audience) -> Found:
    """Return the session of whoever is signed in. Raises `SignInRequired`."""
    # A page that is open renews its stream by itself: nobody needs to be there.
    used = attended(request) and not wants_events(request)
    return await current_with_token(request, audience, used=used)


async def of_wall(request: Request, _: Audience) -> Found:
    """Return the session of a wall display. Raises `SignInRequired`."""
    return await wall(request), None


class ProxyApp:
    """Verifies that a page of the portal with a session calls an operation that it may call."""

    def __init__(
        self,
        proxy: Proxy,
        routes: Routes,
        prefix: str = PREFIX,
        session: Callable[[Request, Audience], Awaitable[Found]] = of_person,
    ) -> None:
        self._proxy = proxy
        self._routes = routes
        self._prefix = prefix
        self._session = session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            raise NotProxied
        request = Request(scope, receive)
        of_portal(request, request.app.state.public_origin)
        service, _, rest = _path(scope).removeprefix(f"{self._prefix}/").partition("/")
        to = self._routes.find(service, f"/api/{rest}", request.method)
        if to is None:
            raise NotProxied
        row, token = await self._session(request, to.audience)
        try:
            with self._proxy.watched(request, row.id) as stream:
                # The session may have ended before its stream was counted: `call` reads it again.
                own = token if stream is None else None
                response = await self._proxy.call(request, row.id, own, to, stream)
                await response(scope, receive, send)
        except ClientDisconnect:
            # Nothing more can be said; the server closes the connection.
            log.info("a call was given up", service=service)


def _path(scope: Scope) -> str:
    """Return the path as the browser sent it, percent-encoded."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("ascii", "replace")
