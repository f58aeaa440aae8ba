"""The processor time of a request, which hardly depends on what else the machine does."""

from dataclasses import dataclass, replace
from pathlib import Path

from bench.common.servers import processor_seconds_with_children
from bench.common.statistics import Round
from testkit.backends.postgresql import connect


@dataclass
class Meter:
    """Reads the processor time of a server and of PostgreSQL. Background work of both is included."""

    postmaster: int
    server: int = 0
    _before: tuple[float, float] = (0.0, 0.0)

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
        self._before = self._now()

    def read(self, done: Round) -> Round:
        """Return the round with the processor time since the beginning."""
        used = [(now - then) * 1e6 for now, then in zip(self._now(), self._before, strict=True)]
        return replace(done, cpu=(used[0] / done.requests, used[1] / done.requests))

    def _now(self) -> tuple[float, float]:
        return (
            processor_seconds_with_children(self.server),
            processor_seconds_with_children(self.postmaster),
        )


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
