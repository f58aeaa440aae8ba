"""nginx: the installed one, or Debian's; started privately, never as a service.

The backend's `url` is the path of the server program.
"""

import shutil
import socket
from pathlib import Path

from testkit.backends import debian
from testkit.backends.base import Backend, UnavailableError, Way, first_available, wait_until_ready
from testkit.backends.process import PrivateProcess

PACKAGE = "nginx-light"
START_SECONDS = 20.0
_PROGRAMS = ("nginx", "/usr/sbin/nginx")


def _installed() -> Backend:
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise UnavailableError("no nginx on this machine")
    return Backend("nginx", found)


def _from_debian() -> Backend:
    debian.install(PACKAGE)
    return _installed()


WAYS = (Way("installed nginx", _installed), Way(f"apt-get install {PACKAGE}", _from_debian))


def start() -> Backend:
    """Find the server program or install it; NoBackendError lists the tried ways. Does not start a server."""
    return first_available("nginx", WAYS)


def serve(program: str, config: Path, port: int) -> PrivateProcess:
    """Start a server with `config`, which listens on `port` of 127.0.0.1; `stop()` ends it.

    Raises UnavailableError with the server's output if it does not start.
    """
    process = PrivateProcess(
        [program, "-e", "/dev/stderr", "-c", config, "-g", "daemon off;"],
        log=config.with_suffix(".log"),
        directories=[],
    )

    def listening() -> None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            raise UnavailableError(str(error)) from error

    try:
        wait_until_ready(listening, process.alive, START_SECONDS, process.tail)
    except UnavailableError:
        process.stop()
        raise
    return process
