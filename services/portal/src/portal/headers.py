"""Headers of every answer of the portal, also of pages, errors and of what a service answered.

An answer may set its own: pages have a policy with which they work (`portal.pages.serving`).
"""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import design

_DEFAULTS: Final = {
    # Whatever a browser shows of it, it loads and runs nothing.
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
}
_REFERENCE: Final = ("/docs", "/redoc")
"""The reference of the API, in dev mode only: its pages have inline scripts."""


class HeadersMiddleware:
    """Adds the headers that an answer lacks."""

    def __init__(self, app: ASGIApp, *, reference_pages: bool) -> None:
        self.app = app
        self._without = _REFERENCE if reference_pages else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["path"].startswith(self._without):
            await self.app(scope, receive, send)
            return

        of_design = scope["path"].startswith(f"{design.PATH}/")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                for name, value in _DEFAULTS.items():
                    headers.setdefault(name, value)
                # What a person may see must not be found by the next person at the same browser.
                headers.setdefault("cache-control", "no-cache" if of_design else "no-store")
                message["headers"] = headers.raw
            await send(message)

        await self.app(scope, receive, send_with_headers)
