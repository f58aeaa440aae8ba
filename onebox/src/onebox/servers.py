"""Several HTTP servers in one event loop."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Self

import uvicorn
from fastapi import FastAPI

from onebox.settings import HOST

_LOOK_SECONDS = 0.02
_SHUTDOWN_SECONDS = 5


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing; signals are handled once for all servers."""
        yield


class Servers:
    """The started servers, which stop together when the context exits."""

    def __init__(self) -> None:
        self._servers: dict[str, _Server] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Start none yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop all."""
        for server in self._servers.values():
            server.should_exit = True
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def start(self, name: str, app: FastAPI, port: int) -> None:
        """Start a server without waiting."""
        config = uvicorn.Config(
            app,
            host=HOST,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
        server = self._servers[name] = _Server(config)
        self._tasks[name] = asyncio.create_task(server.serve(), name=name)

    async def started(self) -> None:
        """Wait until all servers are ready. Raises SystemExit if one exits before."""
        while not all(server.started for server in self._servers.values()):
            for name, task in self._tasks.items():
                if task.done():
                    raise SystemExit(f"{name} 未能启动：{task.exception() or '见上方日志'}")
            await asyncio.sleep(_LOOK_SECONDS)
