"""An application behind a real HTTP server, on a loopback port of its own, in the loop of the test."""

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn


class Served:
    """A port, taken before there is an application: an issuer has to know its own address."""

    def __init__(self) -> None:
        """Take any free port."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        """Where the application will be: scheme, address and port."""

    @contextlib.asynccontextmanager
    async def running(self, app: Any) -> AsyncIterator[None]:
        """Serve the ASGI application `app`, whose lifespan is the caller's, for as long as this lasts.

        uvicorn's own way down looks up ten times a second only, for every test; here listeners and
        connections are closed at once, so a request that is running then is broken off.
        """
        server = uvicorn.Server(
            uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
        )
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[self._socket])
        try:
            yield
        finally:
            for listener in server.servers:
                listener.close()
            for connection in list(server.server_state.connections):
                connection.shutdown()

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()
