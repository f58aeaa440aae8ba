"""Every view of the four modules over HTTP: each sector and level, at first and again, with 1 and 16 clients.

The server is a process of its own, so its processor time and that of PostgreSQL are counted apart. Small
figures are hidden, as in production. The first request of a view makes it, the others find it made
(`cockpit.views.keeping`).
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg

from bench.cockpit.serving import bearer, new_tokens
from bench.common.http_client import Browser
from bench.common.servers import memory, wait_for
from bench.common.statistics import percentile
from cockpit.cells.dimensions import Sector
from cockpit.metrics.catalogue import Module
from cockpit.models import Unit
from testkit.backends.postgresql import connect
from testkit.backends.process import PrivateProcess, free_port, make_directory

ROOT = Path(__file__).parents[2]
LEVELS = ("centre", "province", "city", "county")
SECTORS: tuple[Sector | None, ...] = (None, *Sector)
COLUMNS = (
    "view",
    "first (ms)",
    "first, CPU of Cockpit + PostgreSQL (ms)",
    "1 client p99 (ms)",
    "16 clients p99 (ms)",
    "requests a second, 16 clients",
    "CPU of Cockpit + PostgreSQL (ms)",
)


@dataclass
class View:
    """What requests of a view at a level took: milliseconds, and processor milliseconds of one request."""

    first: list[float] = field(default_factory=list)
    first_cpu: list[tuple[float, float]] = field(default_factory=list)
    one: list[float] = field(default_factory=list)
    many: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu: list[tuple[float, float]] = field(default_factory=list)

    def row(self, name: str) -> list[str]:
        """Return the line of a table; of what was measured for each sector, the worst."""

        def most(parts: Sequence[tuple[float, float]]) -> str:
            return " + ".join(f"{part:.1f}" for part in max(parts, key=sum))

        return [
            name,
            f"{max(self.first):,.0f}",
            most(self.first_cpu),
            f"{percentile(self.one, 0.99):,.1f}",
            f"{percentile(self.many, 0.99):,.1f}",
            f"{min(self.rates):,.0f}",
            most(self.cpu),
        ]


class Processors:
    """What the server and the processes of its database have computed."""

    def __init__(self, server: int, connection: asyncpg.Connection) -> None:
        self._server = server
        self._connection = connection

    async def now(self) -> tuple[float, float]:
        """Return the milliseconds of the server and of PostgreSQL so far."""
        rows = await self._connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return _computed(self._server), sum(_computed(row["pid"]) for row in rows)


def _computed(process: int) -> float:
    """Return the milliseconds that all threads of a process have computed; 0 if it has ended."""
    total = 0.0
    for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(thread.read_text().split()[0]) / 1e6
    return total


class Client:
    """One connection of one viewer."""

    def __init__(self, port: int, authorization: str) -> None:
        self._browser = Browser("127.0.0.1", port)
        self._headers = f"Authorization: {authorization}\r\n"

    async def view(self, path: str) -> tuple[float, dict[str, Any] | None]:
        """Return the milliseconds of a view. Raises RuntimeError unless it succeeds."""
        began = time.perf_counter()
        answer = await self._browser.get(path, self._headers)
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.body[:500]!r}")
        return took, json.loads(answer.body) if b"key_figures" in answer.body else None

    async def times(self, path: str, runs: int) -> list[float]:
        """Return the milliseconds of some requests, one after another."""
        found = []
        for _ in range(runs):
            began = time.perf_counter()
            answer = await self._browser.get(path, self._headers)
            found.append((time.perf_counter() - began) * 1000)
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}")
        return found

    def close(self) -> None:
        """Close the connection."""
        self._browser.close()


@contextlib.asynccontextmanager
async def _served(url: str, folder: str, jwks: str) -> AsyncIterator[tuple[int, PrivateProcess]]:
    port = free_port()
    directory = make_directory("zhuxue-bench-cockpit-")
    server = PrivateProcess(
        [sys.executable, "-m", "bench.cockpit.serve", url, str(port), jwks, folder],
        log=directory / "log",
        directories=[directory],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        await asyncio.to_thread(wait_for, f"http://127.0.0.1:{port}/readyz", server)
        yield port, server
    finally:
        server.stop()


async def measure(
    url: str, folder: str, places: dict[str, Unit], year: int, runs: int, clients: int
) -> tuple[list[list[str]], int]:
    """Return a line for each view and level, and the memory of the server in MiB at the end."""
    tokens = new_tokens()
    found: defaultdict[str, View] = defaultdict(View)
    async with _served(url, folder, json.dumps(tokens.jwks())) as (port, server):
        connection = await connect(url)
        try:
            processors = Processors(server.pid, connection)
            for module in Module:
                for level in LEVELS:
                    for sector in SECTORS:
                        unit = places[level]
                        wanted = {"unit": str(unit.id), "period": str(year)}
                        chosen = {} if sector is None else {"sector": sector.value}
                        path = f"/api/v1/views/{module.value}?{urlencode({**wanted, **chosen})}"
                        viewers = [Client(port, bearer(tokens, unit)) for _ in range(clients)]
                        await _measured(found[f"{module.label}, {level}"], viewers, path, runs, processors)
                    sys.stderr.write("  ".join(found[f"{module.label}, {level}"].row(level)) + "\n")
            used = memory(server.pid)
        finally:
            await connection.close()
    return [view.row(name) for name, view in found.items()], used


async def _measured(
    view: View, viewers: Sequence[Client], path: str, runs: int, processors: Processors
) -> None:
    try:
        before = await processors.now()
        took, _ = await viewers[0].view(path)
        after = await processors.now()
        view.first.append(took)
        view.first_cpu.append((after[0] - before[0], after[1] - before[1]))
        before, count = await processors.now(), max(4, runs // 4)
        view.one += await viewers[0].times(path, count)
        after = await processors.now()
        view.cpu.append(((after[0] - before[0]) / count, (after[1] - before[1]) / count))
        began = time.perf_counter()
        share = max(1, runs // len(viewers))
        for times in await asyncio.gather(*(viewer.times(path, share) for viewer in viewers)):
            view.many += times
        view.rates.append(share * len(viewers) / (time.perf_counter() - began))
    finally:
        for viewer in viewers:
            viewer.close()
