"""CORS: the origins whose scripts may call a service, and the headers they may send and read."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL = r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"
"""Local origins on any port: development servers of front ends."""


class Cors(CORSMiddleware):
    """CORS for `origins`, except at or below `pages`, which browsers navigate to (RFC 9700 §2.6).

    `local` also allows origins on this machine.
    """

    def __init__(self, app: ASGIApp, origins: list[str], pages: tuple[str, ...], *, local: bool) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_origin_regex=LOCAL if local else None,
            allow_methods=["*"],
            allow_headers=[
                *("authorization", "content-type", "idempotency-key", "if-match", "dpop", "last-event-id"),
                *("if-none-match", "if-range", "range", "upload-offset", "content-digest"),
            ],
            expose_headers=[
                *("etag", "x-correlation-id", "www-authenticate", "dpop-nonce"),
                *("content-disposition", "content-range", "location", "retry-after", "upload-offset"),
            ],
        )
        self._pages = tuple(f"{page}/" for page in pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        # Compare whole segments: /device is a page, but scripts may call /device_authorization.
        if scope["type"] == "http" and f"{scope['path']}/".startswith(self._pages):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
