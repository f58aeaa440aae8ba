"""Serve as the only process that has a folder, and take over from the old one without refusing a connection.

A new process does not listen while the old one serves. As soon as the old one is told to stop, the new one
listens: connections wait in the kernel's queue. It serves when the old one has ended. Two locks on files
beside the folder (flock(2)) tell so; the kernel releases them however a process ends.
"""

import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

WAITS = "another process has the folder"
"""What a process says that is ready to take over (`deploy/upgrade.sh` looks for it)."""


class Lock:
    """An exclusive lock on a file, which is made if it does not exist."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: int | None = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    def take(self) -> None:
        """Take the lock, as soon as no other process has it."""
        assert self._file is not None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Not a matter of the level of the log: the upgrade waits for it.
            sys.stderr.write(f"{WAITS}: {self._path}\n")
            sys.stderr.flush()
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        """Let the next process have it; the second time does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping()
        super().handle_exit(sig, frame)


def serve(config: uvicorn.Config, folder: Path) -> None:
    """Serve until stopped, as the only process that has `folder`. Call it in the main thread."""
    # Without a handler, the first process of a container ignores the signal while it waits.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serving, owning = (Lock(folder.with_name(f"{folder.name}.{what}")) for what in ("serving", "owned"))
    try:
        serving.take()
        with config.bind_socket() as listener:
            listener.listen(config.backlog)
            owning.take()
            server = _Server(config, serving.release)
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
    finally:
        serving.release()
        owning.release()
    if not server.started:
        sys.exit(1)
