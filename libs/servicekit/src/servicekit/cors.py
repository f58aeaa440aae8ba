"""Which origins' scripts may call a service, and what they may send and read."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class Cors(CORSMiddleware):
    """CORS for `origins`, but not at or below `pages`, which browsers navigate to (RFC 9700 §2.6)."""

    def __init__(self, app: ASGIApp, origins: list[str], pages: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
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
