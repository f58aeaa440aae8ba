"""Private servers with their own process group and directory, removed when the test run ends or is killed."""

import contextlib
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# The watchdog survives a killed test run: its stdin closes, and it cleans up. A line on stdin means
# that the test run has cleaned up itself.
_WATCHDOG = """
read -r line && exit 0
group=$1; shift
kill -s KILL -- "-$group" 2>/dev/null
sleep 0.2
rm -rf -- "$@"
"""


# Below the range from which Linux takes ports for outgoing connections and for "any port", as far as that is
# left as it is: a port that is free now is not given away before the server that it is for has started.
_PORTS = range(20_000, 32_000)
_lock_file = -1  # a file descriptor, open until the process exits
_taken: set[int] = set()


def _reserve(port: int) -> bool:
    """Reserve `port` for this process until it exits, by a lock that other test runs of this user see."""
    global _lock_file
    if _lock_file < 0:
        name = Path(tempfile.gettempdir()) / f"zhuxue-ports-{os.geteuid()}"
        _lock_file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if port in _taken:
        return False
    try:
        # One byte per port. The kernel releases the lock when the process exits.
        fcntl.lockf(_lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _taken.add(port)
    return True


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return `count` consecutive TCP ports of 127.0.0.1 that are free.

    No call in this or another process returns them again until this process exits.
    """
    for _ in range(1000):
        first = random.randrange(_PORTS.start, _PORTS.stop - count)
        ports = list(range(first, first + count))
        if all(_reserve(port) and _free(port) for port in ports):
            return ports
    raise RuntimeError(f"no {count} free ports between {_PORTS.start} and {_PORTS.stop}")


def free_port() -> int:
    """Return one of `free_ports`."""
    return free_ports(1)[0]


def make_directory(prefix: str, in_memory_bytes: int = 0) -> Path:
    """Create a temporary directory; in memory (/dev/shm) if `in_memory_bytes` are free there."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the name unguessable
    parent = None
    usable = in_memory_bytes and os.access(memory, os.W_OK | os.X_OK)
    if usable and shutil.disk_usage(memory).free >= in_memory_bytes:
        parent = str(memory)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


class PrivateProcess:
    """A server process in its own group, with directories that are removed with it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        directories: Sequence[Path],
        env: Mapping[str, str] | None = None,
        user: int | None = None,
        group: int | None = None,
    ) -> None:
        """Start `command` with output to `log`, as `user`/`group` if given (root drops its privileges)."""
        self._log = log
        self._directories = list(directories)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=None if env is None else dict(env),
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )
        self._watchdog = subprocess.Popen(  # noqa: S603 - our own command
            [
                "/bin/sh",
                "-c",
                _WATCHDOG,
                "testkit-watchdog",
                str(self._process.pid),
                *map(str, self._directories),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Return the process id, which is also the id of its process group."""
        return self._process.pid

    def alive(self) -> bool:
        """Return whether the started process still runs."""
        return self._process.poll() is None

    def tail(self, characters: int = 1500) -> str:
        """Return the end of the server's output."""
        try:
            return self._log.read_text(errors="replace")[-characters:].strip() or "(it wrote nothing)"
        except OSError as error:
            return f"(its log cannot be read: {error})"

    def stop(self, first: signal.Signals = signal.SIGKILL, grace: float = 5.0) -> None:
        """Send `first`, after `grace` seconds SIGKILL to the group, and remove the directories.

        The data is discarded, so a server may be killed.
        """
        if self.alive():
            self._process.send_signal(first)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for directory in self._directories:
            shutil.rmtree(directory, ignore_errors=True)
        if self._watchdog.poll() is None:
            stdin: IO[bytes] | None = self._watchdog.stdin
            if stdin is not None:
                stdin.write(b"done\n")
                stdin.close()
            self._watchdog.wait()
