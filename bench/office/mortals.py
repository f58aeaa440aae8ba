"""What is killed: processes of Office, connections of PostgreSQL, connections to the broker."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError

from servicekit.db import Database
from testkit.backends.process import PrivateProcess, free_port, make_directory

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 120.0
CLOSED_SECONDS: Final = 1.0
"""How long the broker cannot be reached."""


class Wire:
    """Connections to the broker, which can be cut."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._host, self._target = parts.hostname or "127.0.0.1", parts.port or 5672
        self.port = free_port()
        account, at, _ = parts.netloc.rpartition("@")
        self.url = urlunsplit(parts._replace(netloc=f"{account}{at}127.0.0.1:{self.port}"))
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Wire"]:
        """Pass on what comes."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()
            self._cut()

    async def cut(self) -> None:
        """Reset all connections and refuse new ones for a while."""
        self._open = False
        try:
            self._cut()
            await asyncio.sleep(CLOSED_SECONDS)
        finally:
            self._open = True

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        to_reader, to_writer = await asyncio.open_connection(self._host, self._target)
        mine = {writer, to_writer}
        self._writers |= mine
        try:
            await asyncio.gather(_pass(reader, to_writer), _pass(to_reader, writer))
        finally:
            self._writers -= mine


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(65_536):
            writer.write(block)
            await writer.drain()
    writer.close()


@dataclass
class Process:
    """A process of Office that is started again on the same port."""

    command: Callable[[int], list[str]]
    port: int = field(default_factory=free_port)
    started: PrivateProcess | None = None
    serving: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it serves; again if it ends at once, because PostgreSQL recovers."""
        try:
            async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as client:
                while True:
                    if self.started is None or not self.started.alive():
                        self._start()
                    with contextlib.suppress(httpx.HTTPError):
                        if (await client.get(f"{self.url}/livez")).status_code == 200:
                            self.serving.set()
                            return
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise RuntimeError("" if self.started is None else self.started.tail()) from error

    def _start(self) -> None:
        if self.started is not None:
            self.started.stop()
        folder = make_directory("zhuxue-bench-")
        self.started = PrivateProcess(
            self.command(self.port),
            log=folder / "log",
            directories=[folder],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def kill(self) -> None:
        """`kill -9`."""
        self.serving.clear()
        if self.started is not None:
            self.started.stop()


@dataclass
class Office:
    """Servers, workers, and what they depend on."""

    servers: list[Process]
    workers: list[Process]
    database: Database
    wire: Wire
    kills: Counter[str] = field(default_factory=Counter)
    _group: asyncio.TaskGroup | None = None

    @classmethod
    def of(
        cls, database: Database, url: str, wire: Wire, namespace: str, keys: object, counts: tuple[int, int]
    ) -> "Office":
        """Return so many servers and workers, which have not started."""

        def command(jobs: str) -> Callable[[int], list[str]]:
            common = [sys.executable, "-m", "bench.office.process", url, wire.url, namespace]
            return lambda port: [*common, str(port), json.dumps(keys), jobs]

        servers, workers = (
            [Process(command(jobs)) for _ in range(count)]
            for jobs, count in zip(("none", "jobs"), counts, strict=True)
        )
        return cls(servers, workers, database, wire)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Office"]:
        """Run all processes."""
        everything = [*self.servers, *self.workers]
        try:
            await asyncio.gather(*(one.start() for one in everything))
            yield self
        finally:
            for one in everything:
                one.kill()

    async def kill_in_turn(self, pause: float, rounds: int, *, crash: bool) -> None:
        """Kill one of each kind after another, `rounds` times; with `crash`, PostgreSQL itself too.

        Returns when all processes serve again.
        """
        acts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("server", lambda: self._restart(self.servers)),
            ("connections of PostgreSQL", self._disconnect),
            ("worker", lambda: self._restart(self.workers)),
            ("connections to the broker", self.wire.cut),
        ]
        if crash:
            acts.append(("PostgreSQL, with recovery", self._crash))
        async with asyncio.TaskGroup() as group:
            self._group = group
            for name, act in acts * rounds:
                await asyncio.sleep(pause)
                await act()
                self.kills[name] += 1

    async def _restart(self, processes: list[Process]) -> None:
        """Kill the first of them in the middle of its work, and start it again behind the others.

        Others are killed meanwhile; the same kind again only when all of it serve.
        """
        await asyncio.gather(*(one.serving.wait() for one in processes))
        one = processes.pop(0)
        processes.append(one)
        one.kill()
        assert self._group is not None
        self._group.create_task(one.start())

    async def _disconnect(self) -> None:
        """Terminate every other connection of Office, also within a transaction."""
        await with_patience(
            self.database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid % 2 = 0",
        )

    async def _crash(self) -> None:
        """Kill a process of PostgreSQL, which then ends all connections and recovers from its log."""
        pids = await with_patience(
            self.database,
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' LIMIT 1",
        )
        if pids:
            os.kill(int(str(pids[0][0])), signal.SIGKILL)


async def with_patience(database: Database, statement: str, **values: object) -> list[tuple[object, ...]]:
    """Return the rows of a query, also while PostgreSQL recovers."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                async with database.transaction() as session:
                    return [tuple(row) for row in await session.execute(text(statement), values)]
            except (DBAPIError, InterfaceError, OSError):
                await asyncio.sleep(0.2)
