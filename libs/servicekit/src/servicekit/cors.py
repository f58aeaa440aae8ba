"""Which origins' scripts may call a service, and what they may send and read."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL = r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"
"""Origins on this machine, on any port: development servers of front ends."""


class Cors(CORSMiddleware):
    """CORS for `origins`, but not at or below `pages`, which browsers navigate to (RFC 9700 §2.6).

    `local`: origins on this machine are allowed too.
    """

    def __init__(self, app: ASGIApp, origins: list[str], pages: tuple[str, ...], *, local: bool) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_origin_regex=LOCAL if local else None,
            allow_methods=["*"],
            allow_headers=["authorization", "content-type", "idempotency-key", "if-match", "dpop"],
            expose_headers=["etag", "x-correlation-id", "www-authenticate", "dpop-nonce"],
        )
        self._pages = tuple(f"{page}/" for page in pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        # By whole segments: /device is a page, /device_authorization is for scripts too.
        if scope["type"] == "http" and f"{scope['path']}/".startswith(self._pages):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
