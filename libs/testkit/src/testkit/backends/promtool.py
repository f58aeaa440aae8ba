"""promtool, which checks and tests the rules of Prometheus: the installed one, or Debian's.

The backend's `url` is the path of the program.
"""

import shutil

from testkit.backends import debian
from testkit.backends.base import Backend, UnavailableError, Way, first_available

PACKAGE = "prometheus"


def _installed() -> Backend:
    found = shutil.which("promtool")
    if found is None:
        raise UnavailableError("no promtool on this machine")
    return Backend("promtool", found)


def _from_debian() -> Backend:
    debian.install(PACKAGE)
    return _installed()


WAYS = (Way("installed promtool", _installed), Way(f"apt-get install {PACKAGE}", _from_debian))


def start() -> Backend:
    """Find the program or install it; NoBackendError lists the tried ways. Starts no server."""
    return first_available("promtool", WAYS)
