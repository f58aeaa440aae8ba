"""What no answer of the portal may contain."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
SIGNED = re.compile(rb"eyJ[\w-]+\.[\w-]+\.[\w-]+")
"""A token that is signed (RFC 7515 §7.1)."""
STATEMENTS = {"audit-export"}
"""`typ` of what is signed and is no token: it is made for people."""
_KEPT = 4096
"""Bytes of a part of a body that are searched again with the next."""


def _token(signed: bytes) -> bool:
    head = signed.partition(b".")[0]
    return json.loads(urlsafe_b64decode(head + b"=" * (-len(head) % 4))).get("typ") not in STATEMENTS


class Watched:
    """An ASGI application; `leaks` has the tokens in headers and bodies, and where they were sent."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app
        self.leaks: list[str] = []

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer as the application does."""
        before = b""

        async def watch(message: Message) -> None:
            nonlocal before
            headers = b" ".join(value for _, value in message.get("headers", ()))
            body = before + message.get("body", b"")
            found = filter(_token, SIGNED.findall(headers + b" " + body))
            self.leaks += [f"{scope['path']}: {one[:40]!r}" for one in found]
            before = body[-_KEPT:]
            await send(message)

        await self._app(scope, receive, watch)
