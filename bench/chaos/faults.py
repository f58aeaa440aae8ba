"""The faults, each of which ends by itself; chosen at random from a seed."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bench.chaos.servers import Quota
from bench.chaos.system import Process, Stack
from testkit.backends.postgresql import connect

LATE_SECONDS: Final = 4.0
"""Less than the difference between clocks that verifiers of tokens accept."""
PAUSES: Final = (0.5, 3.0)

Fault = Callable[[], Awaitable[None]]


@dataclass
class Faults:
    """Injects one after another."""

    stack: Stack
    chance: random.Random
    injected: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)
    """Faults that this machine does not allow, and why."""

    async def inject(self, seconds: float) -> None:
        """Inject faults for so long, each kind before one comes again; return when the last has ended."""
        end = time.monotonic() + seconds
        for name, fault in self._in_turn():
            await asyncio.sleep(self.chance.uniform(*PAUSES))
            if time.monotonic() > end:
                return
            await fault()
            self.injected[name] += 1

    def _in_turn(self) -> Iterator[tuple[str, Fault]]:
        known = self._known()
        while True:
            yield from self.chance.sample(known, len(known))

    def _known(self) -> list[tuple[str, Fault]]:
        found: list[tuple[str, Fault]] = [
            ("PostgreSQL stopped at once and started", self._crash_database),
            ("RabbitMQ stopped and started", partial(self._restart_broker, kill=False)),
            ("RabbitMQ killed and started", partial(self._restart_broker, kill=True)),
            ("connections to PostgreSQL cut", self._cut_database),
            ("connections to PostgreSQL frozen", self._freeze_database),
            ("backends of PostgreSQL terminated", self._terminate),
            ("connections to RabbitMQ cut", self._cut_broker),
        ]
        for name, process in self.stack.processes.items():
            found.append((f"kill -9 {name}", partial(self._kill, process)))
            found.append((f"late clock of {name}", partial(self._late, process)))
        for name, quota in (("files of office", self.stack.files), ("facts of cockpit", self.stack.facts)):
            fault = f"full disk for {name}"
            if quota.limited:
                found.append((fault, partial(self._fill, quota)))
            else:
                self.skipped[fault] = "only root may mount a file system with a limit"
        return found

    async def _kill(self, process: Process) -> None:
        # What it was killed in the middle of; it is up again when other faults come, or it is not.
        process.kill()

    async def _late(self, process: Process) -> None:
        process.late = LATE_SECONDS
        process.kill()
        await process.ready()
        await self._wait(1.0, 3.0)
        process.late = 0.0
        process.kill()

    async def _crash_database(self) -> None:
        await asyncio.to_thread(self.stack.postgres.crash)
        await self._wait(0.5, 3.0)
        await asyncio.to_thread(self.stack.postgres.start)

    async def _restart_broker(self, *, kill: bool) -> None:
        await asyncio.to_thread(self.stack.broker.kill if kill else self.stack.broker.stop)
        await self._wait(0.5, 3.0)
        await asyncio.to_thread(self.stack.broker.start)

    async def _cut_database(self) -> None:
        await self.stack.database_link.cut()
        await self._wait(0.2, 1.0)
        await self.stack.database_link.restore()

    async def _freeze_database(self) -> None:
        await self.stack.database_link.freeze()
        await self._wait(1.0, 4.0)
        await self.stack.database_link.restore()

    async def _cut_broker(self) -> None:
        await self.stack.broker_link.cut()
        await self._wait(0.2, 2.0)
        await self.stack.broker_link.restore()

    async def _terminate(self) -> None:
        connection = await connect(self.stack.postgres.url)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND pid % 2 = $1",
                self.chance.randrange(2),
            )
        finally:
            await connection.close()

    async def _fill(self, quota: Quota) -> None:
        await asyncio.to_thread(quota.fill)
        try:
            await self._wait(1.0, 4.0)
        finally:
            quota.release()

    async def _wait(self, least: float, most: float) -> None:
        await asyncio.sleep(self.chance.uniform(least, most))
