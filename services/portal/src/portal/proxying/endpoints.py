"""The one entry for calls to services: `/api/{service}/v1/…` is `/api/v1/…` of the service.

Mounted as an ASGI application: the portal neither validates nor documents what the services do.
"""

from typing import Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from portal.proxying.errors import NotProxied
from portal.proxying.rules import Routes
from portal.proxying.service import Proxy, wants_events
from portal.sessions.dependencies import current_with_token, of_portal

log = structlog.get_logger("proxying")

PREFIX: Final = "/api"


class ProxyApp:
    """Verifies that a page of the portal with a session calls an operation that pages may call."""

    def __init__(self, proxy: Proxy, routes: Routes) -> None:
        self._proxy = proxy
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            raise NotProxied
        request = Request(scope, receive)
        of_portal(request, request.app.state.public_origin)
        service, _, rest = _path(scope).removeprefix(f"{PREFIX}/").partition("/")
        to = self._routes.find(service, f"/api/{rest}", request.method)
        if to is None:
            raise NotProxied
        # A page that is open renews its stream by itself: nobody needs to be there.
        row, token = await current_with_token(request, to.audience, used=not wants_events(request))
        try:
            response = await self._proxy.call(request, row.id, token, to)
            await response(scope, receive, send)
        except ClientDisconnect:
            # Nothing more can be said; the server closes the connection.
            log.info("a call was given up", service=service)


def _path(scope: Scope) -> str:
    """Return the path as the browser sent it, percent-encoded."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("ascii", "replace")
