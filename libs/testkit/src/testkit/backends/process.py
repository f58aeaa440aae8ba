"""Servers started privately: own process group, own directory, gone with the test run whatever ends it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# The watchdog outlives a killed test run: its stdin closes when we die, and it then removes what we
# left. A line on stdin means that we have cleaned up ourselves.
_WATCHDOG = """
read -r line && exit 0
group=$1; shift
kill -s KILL -- "-$group" 2>/dev/null
sleep 0.2
rm -rf -- "$@"
"""


def free_port() -> int:
    """Return a TCP port that was free on 127.0.0.1 a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_directory(prefix: str, in_memory_bytes: int = 0) -> Path:
    """Make a temporary directory; in memory (/dev/shm) when that has `in_memory_bytes` to spare."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the name unguessable
    parent = None
    usable = in_memory_bytes and os.access(memory, os.W_OK | os.X_OK)
    if usable and shutil.disk_usage(memory).free >= in_memory_bytes:
        parent = str(memory)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


class PrivateProcess:
    """A server process in a group of its own, with the directories that go when it goes."""

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
        """Start `command` with output to `log`, as `user`/`group` when given (root drops its rights)."""
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
        """The process id, which is the id of its process group too."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the started process still runs."""
        return self._process.poll() is None

    def tail(self, characters: int = 1500) -> str:
        """Return the end of what the server wrote."""
        try:
            return self._log.read_text(errors="replace")[-characters:].strip() or "(it wrote nothing)"
        except OSError as error:
            return f"(its log cannot be read: {error})"

    def stop(self, first: signal.Signals = signal.SIGKILL, grace: float = 5.0) -> None:
        """Send `first`, after `grace` seconds SIGKILL to the group, and remove the directories.

        The data is thrown away, so a server may be killed outright.
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
