"""A database that stops or hangs for one service; the server is shared with other tests and goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from sqlalchemy.engine import make_url

from testkit.waiting import moments

Call = Callable[[], Awaitable[httpx.Response]]
_CHUNK = 65_536


class Link:
    """A TCP connection to a database server that can be cut and frozen."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def url(self) -> str:
        """The URL of the database through this link."""
        return self._target.set(host="127.0.0.1", port=self._port).render_as_string(hide_password=False)

    async def restore(self) -> None:
        """Let connections through, as at the beginning."""
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Close all connections and refuse new ones, as a server that is stopped does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def freeze(self) -> None:
        """Accept connections and pass nothing on, as a server whose processes are suspended does."""
        self._flowing.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there: asyncio.StreamWriter | None = None
        try:
            answers, there = await asyncio.open_connection(self._target.host, self._target.port or 5432)
            ways = [
                asyncio.create_task(self._pass_on(reader, there)),
                asyncio.create_task(self._pass_on(answers, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        except (asyncio.CancelledError, OSError):
            # By `cut`, or because the server itself is stopped; a callback that fails would be logged.
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, there):
                if end is not None:
                    end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()


@contextlib.asynccontextmanager
async def linked(database_url: str) -> AsyncIterator[Link]:
    """Open a link to the server of `database_url`."""
    link = Link(database_url)
    await link.restore()
    try:
        yield link
    finally:
        await link.cut()


def short_waits(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    """Have a service whose settings are read after this wait for its database for half a second."""
    for name in ("CONNECT", "STATEMENT"):
        monkeypatch.setenv(f"ZHUXUE_{service.upper()}_DATABASE_{name}_SECONDS", "0.5")


async def answers_while_out(link: Link, call: Call, *, others: Call | None = None) -> None:
    """Check that `call` is refused while the database is stopped or hangs, and works again afterwards.

    `others` go on meanwhile.
    """
    usual = (await call()).status_code
    assert usual < 500
    for fail in (link.cut, link.freeze):
        if others is not None:
            assert (await others()).status_code == 200
        await fail()
        try:
            refused = await call()
            assert refused.status_code == 503, refused.text
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["retry-after"] == "2"
            assert refused.json()["code"] == "database_busy"
            assert refused.json()["status"] == 503
            if others is not None:
                assert (await others()).status_code == 200
        finally:
            await link.restore()
        async for _ in moments():
            if (await call()).status_code == usual:
                break
        else:
            raise AssertionError("the service does not recover")
