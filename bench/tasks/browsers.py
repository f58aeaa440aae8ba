"""Browsers that only count what they hear: a socket each, without an HTTP library."""

import asyncio
import time
from dataclasses import dataclass, field


@dataclass
class Browsers:
    """All connected browsers."""

    port: int
    ready: int = 0
    heard: int = 0
    at: list[float] = field(default_factory=list)
    """When each of the last tasks was heard."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def connect(self, token: str) -> None:
        """Connect one more, and wait until it is ready."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**14)
        self.writers.append(writer)
        request = f"GET /api/v1/tasks/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(head.decode())
        await reader.readuntil(b"event: ready")
        self.ready += 1
        self.tasks.append(asyncio.create_task(self._listen(reader)))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            if line == b"event: task\n":
                self.heard += 1
                self.at.append(time.perf_counter())

    async def until(self, heard: int, seconds: float) -> None:
        """Wait until so many tasks have been heard by all together."""
        async with asyncio.timeout(seconds):
            while self.heard < heard:  # noqa: ASYNC110 - many tasks count
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Disconnect all."""
        for task in self.tasks:
            task.cancel()
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)
