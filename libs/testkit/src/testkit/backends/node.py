"""Node.js for programs that tests drive, and the npm packages they need: installed, or Debian's.

The backend's `url` is the path of the `node` program.
"""

import fcntl
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from testkit.backends import debian
from testkit.backends.base import Backend, UnavailableError, Way, first_available, installed_by, log

OLDEST = 18
# Before this version Web Crypto is global only when asked for.
_GLOBAL_CRYPTO = 20


def version_of(node: Path) -> int:
    """The major version of a `node` program; UnavailableError when it does not run or is too old."""
    try:
        done = subprocess.run(  # noqa: S603 - a program found on PATH
            [str(node), "--version"], capture_output=True, text=True, timeout=30, check=True
        )
        major = int(done.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"{node} does not tell its version: {error}") from error
    if major < OLDEST:
        raise UnavailableError(f"{node} is version {major}, {OLDEST} or newer is needed")
    return major


def find() -> Path:
    """`node` on PATH, with `npm` beside it; UnavailableError without either."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            raise UnavailableError(f"no {name} on this machine")
    node = Path(shutil.which("node") or "")
    version_of(node)
    return node


def _installed() -> Backend:
    return Backend("node", str(find()))


def _from_debian() -> Backend:
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if not missing:
        raise UnavailableError("Node.js and npm are installed, but cannot be used (see above)")
    debian.install(*("nodejs" if name == "node" else name for name in missing))
    return _installed()


WAYS = (
    Way("installed node", _installed),
    Way("apt-get install nodejs npm", _from_debian),
)


def start() -> Backend:
    """Find Node.js or install it; NoBackendError says what was tried."""
    return first_available("node", WAYS)


def environment(node: Path) -> dict[str, str]:
    """The environment for a program: ours, and Web Crypto where Node.js is old."""
    options = os.environ.get("NODE_OPTIONS", "")
    if version_of(node) < _GLOBAL_CRYPTO:
        options = f"{options} --experimental-global-webcrypto".strip()
    return {**os.environ, "NODE_OPTIONS": options}


def install_package(directory: Path) -> None:
    """`npm ci` in `directory`, unless what its lock file says is there already.

    Raises UnavailableError with npm's last words.
    """
    wanted = sha256((directory / "package.json").read_bytes())
    with (directory / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the test run may be installing
        wanted.update(lock.read())
        # Written last: an installation that was interrupted is made anew.
        mark = directory / "node_modules" / ".zhuxue-lock"
        if mark.exists() and mark.read_text() == wanted.hexdigest():
            return
        log.info("npm ci in %s", directory)
        installed_by(f"npm ci in {directory}", ["npm", "ci", "--no-audit", "--no-fund"], cwd=directory)
        mark.write_text(wanted.hexdigest())
