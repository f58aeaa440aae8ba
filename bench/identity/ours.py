"""Serve Identity with several processes on one port, each as `python -m identity serve` does it.

Arguments: port, number of processes. Settings come from the environment.
"""

import os
import signal
import socket
import sys

import uvicorn

from identity.app import build
from identity.settings import Settings
from servicekit import logs


def serve(listener: socket.socket) -> None:
    """One process's work, until it is told to stop."""
    settings = Settings()
    logs.configure(json=settings.log_json, level=settings.log_level)
    config = uvicorn.Config(
        build(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """Fork the processes and wait; when told to stop, or when one of them ends, all of them do."""
    port, processes = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(2048)
    listener.set_inheritable(True)
    children = []
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            serve(listener)
            os._exit(0)
        children.append(child)

    def stop(*_: object) -> None:
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    os.wait()
    stop()


if __name__ == "__main__":
    main()
