"""The requests of `requests/*.http`: read, filled in, and sent as they stand over TCP.

The files have the form of the REST clients of editors: `###` begins a request, `#` a comment, `{{name}}` is
filled in. A request's heading is its expected answer and its name: `### 400 invalid_request: without PKCE`.
"""

import asyncio
import http.client
import io
import json
import re
from dataclasses import dataclass, field
from email.message import Message
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

REQUESTS = Path(__file__).parent / "requests"
_HEADING = re.compile(r"### (\d{3})(?: (\w+))?: (.+)")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Message
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def location(self) -> str:
        return str(self.headers["location"] or "")

    def param(self, name: str) -> str | None:
        """A parameter of the address that the browser is sent to."""
        return parse_qs(urlsplit(self.location).query).get(name, [None])[0]

    @property
    def error(self) -> str | None:
        """The error code: of the REST API, of OAuth, or in the redirect to a client."""
        if self.status < 400:
            return self.param("error")
        if "json" not in str(self.headers["content-type"]):
            return None
        found: str | None = self.json.get("code") or self.json.get("error")
        return found


@dataclass(frozen=True)
class Request:
    """One request of a file."""

    status: int
    error: str | None
    name: str
    head: str
    body: str

    def filled(self, values: dict[str, str]) -> bytes:
        """The bytes to send. A missing value raises KeyError.

        What every client adds is added: the length of a body, and the end of the connection.
        """
        head, body = (_PLACE.sub(lambda place: values[place[1]], part) for part in (self.head, self.body))
        content = body.encode()
        lines = [*head.splitlines(), "Connection: close"]
        if content:
            lines.append(f"Content-Length: {len(content)}")
        return "\r\n".join([*lines, "", ""]).encode() + content


def read(path: Path) -> list[Request]:
    """The requests of a file, in order. A heading without an expected answer raises ValueError."""
    found = []
    for part in ("\n" + path.read_text(encoding="utf-8")).split("\n### ")[1:]:
        first, _, rest = part.partition("\n")
        heading = _HEADING.fullmatch(f"### {first}")
        if heading is None:
            raise ValueError(f"{path.name}: {first}")
        lines = [line for line in rest.strip().splitlines() if not line.startswith("#")]
        head, _, body = "\n".join(lines).strip().partition("\n\n")
        found.append(Request(int(heading[1]), heading[2], heading[3], head, body))
    return found


class _Received:
    """What `http.client` reads in place of a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO(self._content)


async def sent(origin: str, request: bytes) -> Answer:
    """Send bytes to a server, and read its answer."""
    parts = urlsplit(origin)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        await writer.drain()
        response = http.client.HTTPResponse(_Received(await reader.read()))  # type: ignore[arg-type]
        response.begin()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        writer.close()


def _kept(cookies: str, answer: Answer) -> str:
    """The cookies that a browser has after an answer."""
    jar = SimpleCookie(cookies)
    for line in answer.headers.get_all("set-cookie", []):
        jar.load(line)
    return "; ".join(f"{name}={one.value}" for name, one in jar.items() if one.value)


@dataclass
class Attack:
    """The requests of one finding."""

    path: Path
    origin: str
    values: dict[str, str]
    """What every request may be filled in with."""
    replayed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.requests = {request.name: request for request in read(self.path)}

    async def __call__(self, name: str, *, origin: str | None = None, **values: str) -> Answer:
        """Send a request to the issuer, or to `origin`; the answer is the one that its heading says."""
        request = self.requests[name]
        self.replayed.add(name)
        answer = await sent(origin or self.origin, request.filled(self.values | values))
        if "{{cookie}}" in request.head and "cookie" in self.values:
            self.values["cookie"] = _kept(self.values["cookie"], answer)
        assert (answer.status, answer.error) == (request.status, request.error), (
            f"{self.path.name}, {name}: {answer.status} {answer.error}\n{answer.text}"
        )
        return answer
