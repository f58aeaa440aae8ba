"""The processor time of a request, which depends less than rates on what else the machine does."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.common.servers import processor_seconds_with_children
from bench.common.statistics import Round
from testkit.backends.postgresql import connect

_REST_SECONDS = 3.0


@dataclass
class Meter:
    """Reads the processor time of a server and of PostgreSQL, without what they use at rest."""

    postmaster: int
    server: int = 0
    _rest: dict[int, tuple[float, float]] = field(default_factory=dict)
    """What each server and PostgreSQL use in a second without requests."""
    _before: tuple[float, float] = (0.0, 0.0)
    _began: float = 0.0

    @classmethod
    async def of(cls, server: str) -> "Meter":
        """Return a meter for the PostgreSQL at a URL."""
        connection = await connect(server)
        try:
            backend = await connection.fetchval("SELECT pg_backend_pid()")
            return cls(_parent(backend))
        finally:
            await connection.close()

    async def start(self) -> None:
        """Begin to measure."""
        if self.server not in self._rest:
            before = self._now()
            await asyncio.sleep(_REST_SECONDS)
            used = [now - then for now, then in zip(self._now(), before, strict=True)]
            self._rest[self.server] = (used[0] / _REST_SECONDS, used[1] / _REST_SECONDS)
        self._before, self._began = self._now(), time.monotonic()

    def read(self, done: Round) -> Round:
        """Return the round with the processor time since the beginning."""
        seconds = time.monotonic() - self._began
        used = [
            (now - then - rest * seconds) * 1e6
            for now, then, rest in zip(self._now(), self._before, self._rest[self.server], strict=True)
        ]
        # None on a machine that is too busy.
        requests = done.requests or 1
        return replace(done, cpu=(used[0] / requests, used[1] / requests))

    def _now(self) -> tuple[float, float]:
        return (
            processor_seconds_with_children(self.server),
            processor_seconds_with_children(self.postmaster),
        )


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
