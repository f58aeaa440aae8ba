"""An application on a real HTTP server, on a loopback port, in the test's event loop."""

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn


class Served:
    """A port reserved before the application exists, because an issuer needs its own URL."""

    def __init__(self) -> None:
        """Take any free port."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        """The origin of the application: scheme, address and port."""

    @contextlib.asynccontextmanager
    async def running(self, app: Any) -> AsyncIterator[None]:
        """Serve the ASGI application `app` until the context exits; the caller manages its lifespan.

        uvicorn's own shutdown polls ten times a second, which would slow down every test. Here, listeners and
        connections are closed immediately, which aborts running requests.
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
        """Release the port."""
        self._socket.close()
