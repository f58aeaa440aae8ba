"""Browsers that are connected to the stream of tasks."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

SECONDS = 60.0
"""How long a test waits for an event, on a loaded machine."""


@dataclass
class Heard:
    """One event: its name, its data, and the id that the browser has after it."""

    event: str | None
    data: Any
    id: str | None


@dataclass
class Browser:
    """What a browser has heard on one connection."""

    heard: list[Heard] = field(default_factory=list)
    last_id: str | None = None
    ended: bool = False
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, found: Callable[["Browser"], object]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(SECONDS), self._changed:
            await self._changed.wait_for(lambda: self.ended or found(self))
        assert found(self), "the stream has ended before"

    async def hears(self, event: str, times: int = 1) -> Any:
        """The data of the first such event, once it has come `times` times."""
        await self.until(lambda one: len(one.named(event)) >= times)
        return self.named(event)[0].data

    def named(self, event: str) -> list[Heard]:
        return [heard for heard in self.heard if heard.event == event]

    def tasks(self) -> list[tuple[str, str]]:
        """The action and the id of each change of a task."""
        return [(heard.data["action"], heard.data["id"]) for heard in self.named("task")]

    async def read(self, lines: AsyncIterator[str]) -> None:
        event: str | None = None
        data: list[str] = []
        async for line in lines:
            if line:
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data":
                    data.append(value)
                elif name == "id":
                    self.last_id = value
                continue
            async with self._changed:
                if data:
                    self.heard.append(Heard(event, json.loads("\n".join(data)), self.last_id))
                self._changed.notify_all()
            event, data = None, []

    async def end(self) -> None:
        async with self._changed:
            self.ended = True
            self._changed.notify_all()


@asynccontextmanager
async def browser(url: str, token: str, last_id: str | None = None) -> AsyncIterator[Browser]:
    """A browser that is connected to the server at `url`."""
    headers = {"Authorization": f"Bearer {token}"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    one = Browser(last_id=last_id)

    async def listen() -> None:
        try:
            async with (
                httpx.AsyncClient(base_url=url, headers=headers, timeout=SECONDS) as client,
                client.stream("GET", "/api/v1/tasks/stream") as response,
            ):
                if response.status_code != 200:
                    await response.aread()
                    raise AssertionError(response.text)
                assert response.headers["content-type"].startswith("text/event-stream")
                await one.read(response.aiter_lines())
        except httpx.TransportError:
            pass  # the server is gone
        finally:
            await one.end()

    listening = asyncio.create_task(listen())
    try:
        yield one
    finally:
        listening.cancel()
        await asyncio.wait({listening})
        if not listening.cancelled() and (error := listening.exception()) is not None:
            raise error
