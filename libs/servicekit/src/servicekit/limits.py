"""A size limit for request bodies, counted while they are received, so that memory use is bounded."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.problems import BodyTooLarge, response_of


class BodyLimitMiddleware:
    """Rejects bodies over `limit` bytes with 413; paths in `larger` have their own limits."""

    def __init__(self, app: ASGIApp, limit: int, larger: dict[str, int] | None = None) -> None:
        self.app = app
        self.limit = limit
        self.larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limit
        for prefix, own in self.larger.items():
            if scope["path"].startswith(prefix):
                limit = own
        declared, chunked = b"0", False
        for name, value in scope["headers"]:
            if name == b"content-length":
                declared = value
            elif name == b"transfer-encoding":
                chunked = True
        if not declared.isdigit() or int(declared) > limit:
            await response_of(BodyTooLarge())(scope, receive, send)
            return
        if not chunked:
            # The server reads as much as was declared.
            await self.app(scope, receive, send)
            return
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    raise BodyTooLarge
            return message

        await self.app(scope, receive_counted, send)
