"""A small HTTP client with cookies, with low CPU use because it shares the servers' cores."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlencode, urlsplit

import httptools


class BadAnswer(Exception):
    """The response differs from the one that the flow expects."""


@dataclass
class Answer:
    """One response."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def location(self) -> str:
        """Return the target of a redirect; raise `BadAnswer` for any other response."""
        for name, value in self.headers:
            if name == "location":
                return value
        raise BadAnswer(f"{self.status}: {self.body[:500]!r}")


class _Protocol(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[asyncio.Future[Answer]] = deque()
        self._begin()

    def _begin(self) -> None:
        self._answer = Answer()
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        while self.waiting:
            answer = self.waiting.popleft()
            if not answer.done():
                answer.set_exception(exc or ConnectionResetError("closed by the server"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    # Called by the parser.
    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers.append((name.decode().lower(), value.decode()))

    def on_body(self, body: bytes) -> None:
        self._answer.body += body

    def on_message_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()
        answer = self._answer
        self._begin()
        self.waiting.popleft().set_result(answer)


class Browser:
    """One keep-alive connection with one cookie jar, which ignores the paths of cookies."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._protocol: _Protocol | None = None
        self.cookies: dict[str, str] = {}
        self.address = ""
        """The browser's IP address, as a gateway would forward it."""

    async def get(self, url: str, headers: str = "") -> Answer:
        """GET `url`, absolute or a path; `headers` are lines that end in CR LF."""
        return await self._send("GET", url, b"", headers)

    async def post(self, url: str, form: dict[str, str], headers: str = "") -> Answer:
        """POST a form."""
        kind = "Content-Type: application/x-www-form-urlencoded\r\n"
        return await self._send("POST", url, urlencode(form).encode(), kind + headers)

    async def post_json(self, url: str, value: object, headers: str = "") -> Answer:
        """POST JSON."""
        kind = "Content-Type: application/json\r\n"
        return await self._send("POST", url, json.dumps(value).encode(), kind + headers)

    def close(self) -> None:
        """Close the connection."""
        if self._protocol is not None and self._protocol.transport is not None:
            self._protocol.transport.close()
            self._protocol = None

    async def _send(self, method: str, url: str, body: bytes, headers: str) -> Answer:
        loop = asyncio.get_running_loop()
        if (
            self._protocol is None
            or self._protocol.transport is None
            or self._protocol.transport.is_closing()
        ):
            _, self._protocol = await loop.create_connection(_Protocol, self._host, self._port)
        assert self._protocol.transport is not None
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{headers}"
        if self.address:
            head += f"X-Forwarded-For: {self.address}\r\n"
        if cookies:
            head += f"Cookie: {cookies}\r\n"
        if method == "POST":
            head += f"Content-Length: {len(body)}\r\n"
        answered: asyncio.Future[Answer] = loop.create_future()
        self._protocol.waiting.append(answered)
        self._protocol.transport.write(head.encode() + b"\r\n" + body)
        answer = await answered
        for name, value in answer.headers:
            if name == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                gone = not content or "expires=Thu, 01 Jan 1970" in value or "Max-Age=0" in value
                if gone:
                    self.cookies.pop(cookie.strip(), None)
                else:
                    self.cookies[cookie.strip()] = content
        return answer
