"""CORS: the origins whose scripts may call a service, and the headers they may send and read."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL = r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"
"""Local origins on any port: development servers of front ends."""


_SHARED: Final[dict[str, Any]] = {
    "allow_methods": ["*"],
    "allow_headers": [
        *("authorization", "content-type", "idempotency-key", "if-match", "dpop", "last-event-id"),
        *("if-none-match", "if-range", "range", "upload-offset", "content-digest"),
    ],
    "expose_headers": [
        *("etag", "x-correlation-id", "www-authenticate", "dpop-nonce"),
        *("content-disposition", "content-range", "location", "retry-after", "upload-offset"),
    ],
}
"""The same for every origin. No credentials: scripts send tokens, never the cookies of a service."""


@dataclass(frozen=True)
class RegisteredOrigins:
    """Origins that come and go while the service runs."""

    has: Callable[[str], Awaitable[bool]]
    paths: tuple[str, ...]
    """What their scripts may call, and everything below."""


class Cors(CORSMiddleware):
    """CORS for `origins`, except at or below `pages`, which browsers navigate to (RFC 9700 §2.6).

    `local` also allows origins on this machine, and `registered` others at some paths.
    """

    def __init__(
        self,
        app: ASGIApp,
        origins: list[str],
        pages: tuple[str, ...],
        *,
        local: bool,
        registered: RegisteredOrigins | None = None,
    ) -> None:
        super().__init__(app, allow_origins=origins, allow_origin_regex=LOCAL if local else None, **_SHARED)
        self._pages = _below(pages)
        self._registered = registered
        self._registered_paths = _below(registered.paths if registered is not None else ())
        # Asked only for origins that are registered.
        self._answering = CORSMiddleware(app, allow_origin_regex=".*", **_SHARED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http" and _is_below(scope["path"], self._pages):
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and await self._is_registered(scope):
            await self._answering(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _is_registered(self, scope: Scope) -> bool:
        if self._registered is None or not _is_below(scope["path"], self._registered_paths):
            return False
        origin = Headers(scope=scope).get("origin")
        return (
            origin is not None and not self.is_allowed_origin(origin) and await self._registered.has(origin)
        )


def _below(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{path}/" for path in paths)


def _is_below(path: str, prefixes: tuple[str, ...]) -> bool:
    # Compare whole segments: /device is a page, but scripts may call /device_authorization.
    return f"{path}/".startswith(prefixes)
