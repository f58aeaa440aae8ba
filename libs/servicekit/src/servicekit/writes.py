"""One write to a socket for what belongs together.

A write of a few hundred bytes takes the kernel as long as a service needs to make them, and on one machine
wakes the reader. Neither uvicorn (head and body of a response) nor asyncpg (what is sent ahead of a
statement) joins its writes; these transports do.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Bytes = bytes | bytearray | memoryview


class Held:
    """A transport that keeps what is held for its next write."""

    def __init__(self, transport: Any) -> None:
        self.inner = transport
        self._held: list[Bytes] = []

    def hold(self, data: bytes) -> None:
        """Write `data` right before what is written next, in one write."""
        self._held.append(data)

    def write(self, data: Bytes) -> None:
        """Write what is held, and `data`."""
        if self._held:
            self._held.append(data)
            data = b"".join(self._held)
            self._held.clear()
        self.inner.write(data)

    def writelines(self, lines: list[Bytes]) -> None:
        """Write what is held, and `lines`."""
        self.write(b"".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class HoldingLoop:
    """An event loop whose connections have a `Held` as their transport, for a driver that takes a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def create_connection(self, factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        """See `asyncio.loop.create_connection`."""
        holding = _Holding(factory)
        _, protocol = await self._loop.create_connection(holding, *args, **kwargs)
        return holding.transport, protocol

    async def create_unix_connection(self, factory: Callable[[], Any], path: str) -> Any:
        """See `asyncio.loop.create_unix_connection`."""
        holding = _Holding(factory)
        _, protocol = await self._loop.create_unix_connection(holding, path)
        return holding.transport, protocol

    async def start_tls(self, transport: Held, *args: Any, **kwargs: Any) -> Any:
        """See `asyncio.loop.start_tls`."""
        started = await self._loop.start_tls(transport.inner, *args, **kwargs)
        return None if started is None else Held(started)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


class _Holding:
    """Makes a protocol that gets a `Held` as its transport."""

    def __init__(self, factory: Callable[[], Any]) -> None:
        self._factory = factory
        self.transport: Held | None = None

    def __call__(self) -> Any:
        protocol = self._factory()
        connected = protocol.connection_made

        def connection_made(transport: Any) -> None:
            self.transport = Held(transport)
            connected(self.transport)

        protocol.connection_made = connection_made
        return protocol


class _Joining(Held):
    """A transport that writes at the end of the loop's iteration what was written in it."""

    def __init__(self, transport: Any) -> None:
        super().__init__(transport)
        self._loop = asyncio.get_running_loop()

    def write(self, data: Bytes) -> None:
        """Write `data` with what else is written in this iteration."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        """Write what is held, and close."""
        self._flush()
        self.inner.close()

    def set_protocol(self, protocol: Any) -> None:
        """Write what is held, and leave the transport to another protocol."""
        self._flush()
        self.inner.set_protocol(protocol)

    def _flush(self) -> None:
        if self._held:
            self.inner.write(b"".join(self._held))
            self._held.clear()


class OneWriteHttp(HttpToolsProtocol):
    """uvicorn's protocol for HTTP, with one write for head and body of a response."""

    def connection_made(self, transport: Any) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(_Joining(transport))  # type: ignore[arg-type]
