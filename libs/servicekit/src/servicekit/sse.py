"""Server-sent events (WHATWG HTML §9.2): a response that stays open and is written by others.

A `Mailbox` belongs to one browser. Whoever has something to say puts messages into it and never waits; the
response takes them out as fast as the browser reads. See docs/adr/0028-server-sent-events.md.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MEDIA_TYPE: Final = "text/event-stream"
SEND_SECONDS: Final = 30.0
"""How long a browser may take to read what has been sent, before the stream ends."""


def message(*, event: str | None = None, data: str | None = None, id_: str | None = None) -> bytes:
    """Return one event. Without `data` it is none for the browser, which only keeps its id.

    `data` is JSON, so it has no line breaks; `id_` is ASCII without them.
    """
    lines = [f"event: {event}"] if event is not None else []
    if id_ is not None:
        lines.append(f"id: {id_}")
    if data is not None:
        lines.append(f"data: {data}")
    return ("\n".join(lines) + "\n\n").encode()


def with_id(id_: str, event: bytes) -> bytes:
    """Return an event of `message` with an id: what many browsers are told is encoded once."""
    return f"id: {id_}\n".encode() + event


def retry(milliseconds: int) -> bytes:
    """Return how long the browser waits before it connects again."""
    return f"retry: {milliseconds}\n\n".encode()


class Mailbox:
    """Messages for one browser, at most `most`; a browser that is slower gets `overflow` instead of them."""

    __slots__ = ("_closed", "_most", "_overflow", "_waiting", "_woken")

    def __init__(self, most: int, overflow: Callable[[], bytes]) -> None:
        self._most = most
        self._overflow = overflow
        self._waiting: deque[bytes] = deque()
        self._closed = False
        self._woken: asyncio.Future[None] | None = None

    @property
    def closed(self) -> bool:
        """Return whether nothing more can be put into it."""
        return self._closed

    def put(self, chunk: bytes) -> None:
        """Add a message; nothing once it is closed."""
        if self._closed:
            return
        if len(self._waiting) >= self._most:
            self._waiting.clear()
            chunk = self._overflow()
        self._waiting.append(chunk)
        self._wake()

    def close(self, last: bytes = b"") -> None:
        """End the stream after what is waiting, and after `last`."""
        if not self._closed:
            self._closed = True
            if last:
                self._waiting.append(last)
            self._wake()

    async def take(self) -> bytes | None:
        """Return all waiting messages, as soon as there is one; None after the last one."""
        if not self._waiting and not self._closed:
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken or None

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


class EventStream(Response):
    """Sends a mailbox until it is closed or the browser is gone, then calls `ended`."""

    media_type = MEDIA_TYPE

    def __init__(self, mailbox: Mailbox, ended: Callable[[], None]) -> None:
        super().__init__(
            headers={
                "Cache-Control": "no-store",
                # nginx would collect the events in its buffer.
                "X-Accel-Buffering": "no",
            }
        )
        # Its length is not known.
        del self.headers["content-length"]
        self._mailbox = mailbox
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        listening = asyncio.create_task(self._listen(receive))
        try:
            async with _Patience() as patience:
                patience.begin()
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                patience.end()
                while (chunk := await self._mailbox.take()) is not None:
                    # `send` waits while the browser does not read. Leaving here closes the connection.
                    patience.begin()
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    patience.end()
                patience.begin()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            pass
        finally:
            self._mailbox.close()
            self._ended()
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def _listen(self, receive: Receive) -> None:
        """Close the mailbox when the browser is gone."""
        gone = False
        while not gone:
            gone = (await receive())["type"] == "http.disconnect"
        self._mailbox.close()


class _Patience:
    """Raises TimeoutError in the context if what began has not ended after `SEND_SECONDS`.

    One timer looks now and then: a timeout for each message would cost as much as sending it.
    """

    __slots__ = ("_began", "_limit", "_loop", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = asyncio.timeout(None)
        self._began: float | None = None
        self._timer = self._loop.call_later(SEND_SECONDS / 2, self._look)

    async def __aenter__(self) -> "_Patience":
        await self._limit.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(*raised)

    def begin(self) -> None:
        """Something begins that must end in time."""
        self._began = self._loop.time()

    def end(self) -> None:
        """It has ended."""
        self._began = None

    def _look(self) -> None:
        now = self._loop.time()
        if self._began is not None and now - self._began >= SEND_SECONDS:
            self._limit.reschedule(now)
            return
        wait = SEND_SECONDS / 2
        if self._began is not None:
            wait = min(wait, self._began + SEND_SECONDS - now)
        self._timer = self._loop.call_later(wait, self._look)
