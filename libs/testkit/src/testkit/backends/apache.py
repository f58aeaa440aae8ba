"""Apache httpd with mod_auth_openidc: the installed one, or Debian's; started privately, never as a service.

The backend's `url` is the path of the server program.
"""

import os
import pwd
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from testkit.backends import debian
from testkit.backends.base import Backend, UnavailableError, Way, first_available, wait_until_ready
from testkit.backends.process import PrivateProcess

PACKAGES = ("apache2", "libapache2-mod-auth-openidc")
START_SECONDS = 20.0
MODULES = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "dir", "headers")
_PROGRAMS = ("apache2", "httpd", "/usr/sbin/apache2", "/usr/sbin/httpd")
_FOLDERS = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules")


def find() -> Path:
    """The server program; UnavailableError without it or without one of MODULES."""
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise UnavailableError("no apache2 or httpd on this machine")
    modules()
    return Path(found)


def modules() -> Path:
    """The folder of the server's modules; UnavailableError without one of MODULES."""
    folder = next((Path(name) for name in _FOLDERS if Path(name).is_dir()), None)
    if folder is None:
        raise UnavailableError("no folder with Apache's modules on this machine")
    missing = [name for name in MODULES if not (folder / f"mod_{name}.so").exists()]
    if missing:
        raise UnavailableError(f"Apache lacks the modules {', '.join(missing)}")
    return folder


def _installed() -> Backend:
    return Backend("apache", str(find()))


def _from_debian() -> Backend:
    debian.install(*PACKAGES)
    return _installed()


WAYS = (
    Way("installed apache2", _installed),
    Way(f"apt-get install {' '.join(PACKAGES)}", _from_debian),
)


def start() -> Backend:
    """Find the server program or install it; NoBackendError lists the tried ways. Does not start a server."""
    return first_available("apache", WAYS)


def serve(program: Path, root: Path, port: int, site: Sequence[str]) -> PrivateProcess:
    """Start a server on `port` of 127.0.0.1 with the lines of `site`; all its files are below `root`.

    The caller creates `root`; `stop()` removes it. Raises UnavailableError with the server's output if the
    server does not start.
    """
    for folder in ("htdocs", "cache", "run"):
        (root / folder).mkdir()
    lines = [
        f'ServerRoot "{root}"',
        f'PidFile "{root}/run/pid"',
        f'DefaultRuntimeDir "{root}/run"',
        f"Listen 127.0.0.1:{port}",
        "ServerName localhost",
        f'ErrorLog "{root}/error.log"',
        *(f'LoadModule {name}_module "{modules()}/mod_{name}.so"' for name in MODULES),
        f'DocumentRoot "{root}/htdocs"',
        *site,
    ]
    if os.geteuid() == 0:
        # Root opens the port; an unprivileged user serves requests.
        user = pwd.getpwnam("nobody")
        os.chown(root / "cache", user.pw_uid, user.pw_gid)
        root.chmod(0o755)
        lines[2:2] = [f"User #{user.pw_uid}", f"Group #{user.pw_gid}"]
    config = root / "httpd.conf"
    config.write_text("\n".join(lines) + "\n")
    process = PrivateProcess(
        [program, "-f", config, "-D", "FOREGROUND"], log=root / "output.log", directories=[root]
    )

    def listening() -> None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            raise UnavailableError(str(error)) from error

    def tail() -> str:
        errors = root / "error.log"
        return process.tail() + (errors.read_text(errors="replace")[-1500:] if errors.exists() else "")

    try:
        wait_until_ready(listening, process.alive, START_SECONDS, tail)
    except UnavailableError:
        process.stop()
        raise
    return process
