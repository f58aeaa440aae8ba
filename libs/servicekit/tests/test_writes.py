"""A response is one write to the socket, whatever its parts; nothing is lost when the connection closes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from servicekit.writes import Held

PARTS = [b"a", b"b" * 100_000, b"c"]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Send two bytes at once, or with `/parts` three chunks, with a pause after the first."""
    assert scope["type"] == "http"
    if scope["path"] == "/parts":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in PARTS:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="servicekit.writes:OneWriteHttp", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running


class Writes:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))


def test_what_is_held_goes_with_the_next_write() -> None:
    inner = Writes()
    held = Held(inner)
    held.hold(b"a")
    held.hold(b"b")
    assert inner.written == []
    held.write(memoryview(b"c"))
    held.writelines([b"d", b"e"])
    assert inner.written == [b"abc", b"de"]


async def test_head_and_body_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    made = Held.__init__

    def noting(held: Held, transport: Any) -> None:
        class Noted:
            def write(self, data: bytes) -> None:
                writes.append(bytes(data))
                transport.write(data)

            def __getattr__(self, name: str) -> Any:
                return getattr(transport, name)

        made(held, Noted())

    monkeypatch.setattr(Held, "__init__", noting)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert await reader.readexactly(2) == b"ok"
        writer.close()
    assert [write[-6:] for write in writes] == [b"\r\n\r\nok"] * 2


@pytest.mark.parametrize("path", ["/", "/parts"])
async def test_all_arrives_before_the_connection_closes(path: str) -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
    _, _, body = answer.partition(b"\r\n\r\n")
    if path == "/":
        assert body == b"ok"
    else:
        assert body.endswith(b"0\r\n\r\n")
        assert all(part in body for part in PARTS)
