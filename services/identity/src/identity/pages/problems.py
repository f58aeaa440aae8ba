"""What all responses to browsers have in common: the foot of pages, and errors as pages, whatever component
they come from.
"""

import json
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from identity.pages.rendering import PATHS, Site, page, site
from servicekit.problems import MEDIA_TYPE

_REPLACED = {b"content-type", b"content-length"}
_UNKNOWN = (404, 405)


class Pages:
    """Tells pages whose site this is, and turns `application/problem+json` into a page where a browser waits
    for one.

    A browser accepts `text/html`, but so do some programs: only addresses of pages, and unknown addresses
    outside of `/api`, answer with a page. Status and headers stay as they are.
    """

    def __init__(self, app: ASGIApp, of: Site) -> None:
        self.app = app
        self._site = of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        site.set(self._site)
        if scope["type"] != "http" or not _for_browser(scope):
            await self.app(scope, receive, send)
            return
        held: Message | None = None
        body = bytearray()

        async def send_page(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _to_turn(scope["path"], message):
                held = message
                return
            if held is None or message["type"] != "http.response.body":
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await _send_page(scope, receive, send, held, json.loads(bytes(body)))

        await self.app(scope, receive, send_page)


def _for_browser(scope: Scope) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _to_turn(path: str, start: Message) -> bool:
    if Headers(raw=start["headers"]).get("content-type") != MEDIA_TYPE:
        return False
    return is_page(path) or (start["status"] in _UNKNOWN and not path.startswith("/api/"))


def is_page(path: str) -> bool:
    """Return whether people navigate to `path`; other paths are for programs."""
    return path == "/" or f"{path}/".startswith(tuple(f"{page}/" for page in PATHS))


async def _send_page(
    scope: Scope, receive: Receive, send: Send, start: Message, problem: dict[str, Any]
) -> None:
    status = int(start["status"])
    missing = status == 404
    shown = page(
        "error.html",
        status=status,
        title="页面不存在" if missing else problem["title"],
        message="您访问的页面不存在，或您无权查看。" if missing else problem["detail"],
        code=problem["code"],
        description=problem.get("correlation_id", ""),
    )
    headers = MutableHeaders(raw=shown.raw_headers)
    for name, value in start["headers"]:
        if name.lower() not in _REPLACED:
            headers[name.decode("latin-1")] = value.decode("latin-1")
    await shown(scope, receive, send)
