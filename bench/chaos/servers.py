"""The servers that the services need, which can be stopped, killed and started again with their data."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

from testkit.backends import postgresql, rabbitmq
from testkit.backends.base import Backend, UnavailableError, wait_until_ready
from testkit.backends.process import PrivateProcess, free_port

# What a process has written survives it, so nothing is flushed to the disk itself.
_SETTINGS: Final = {**postgresql.DURABLE, "fsync": "off", "max_connections": "300"}
_BLOCK: Final = 65_536
_STOP_SECONDS: Final = 30.0
_ATTEMPTS: Final = 3


class PostgresServer:
    """A PostgreSQL on one port and one directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._port = free_port()
        self._backend: Backend | None = None
        self.url = ""

    def start(self) -> None:
        """Start it, and wait until it answers; it recovers first, if it was crashed."""
        binaries, folder = postgresql.embedded_binaries(), self._folder
        for left in reversed(range(_ATTEMPTS)):
            try:
                self._backend = postgresql.start_private(
                    binaries, _SETTINGS, in_memory_bytes=0, keep=folder, port=self._port
                )
                break
            except UnavailableError:
                # On a busy machine, recovery may take longer than a start is waited for.
                if not left:
                    raise
        assert self._backend is not None
        self.url = self._backend.url

    def crash(self) -> None:
        """Stop it as `pg_ctl stop -m immediate` does: no checkpoint, and its next start recovers."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)
        self.stop()

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._backend is not None:
            self._backend.stop()


class BrokerServer:
    """A RabbitMQ on one port and one directory."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "rabbitmq"
        port, dist_port, epmd_port = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/"
        self._env = rabbitmq.private_environment(self._root, port, dist_port, epmd_port)
        self._epmd_port = epmd_port
        self._mapper: PrivateProcess | None = None
        self._broker: PrivateProcess | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        if self._mapper is None:
            for name in ("mnesia", "log", "config", "schema"):
                (self._root / name).mkdir(parents=True)
            for name in ("rabbitmq-env.conf", "rabbitmq.conf"):
                (self._root / name).touch()
            for name in ("advanced.config", "enabled_plugins"):
                (self._root / name).write_text("[].\n")
            command: list[str | Path] = [
                rabbitmq.find_epmd(),
                "-address",
                "127.0.0.1",
                "-port",
                str(self._epmd_port),
            ]
            self._mapper = PrivateProcess(command, log=self._root / "epmd.log", directories=[], env=self._env)
        self._broker = PrivateProcess(
            [rabbitmq.find_server()], log=self._root / "broker.log", directories=[], env=self._env
        )
        wait_until_ready(
            lambda: rabbitmq.probe(self.url), self._broker.alive, rabbitmq.START_SECONDS, self._broker.tail
        )

    def stop(self) -> None:
        """Have it end by itself, as an operator does."""
        if self._broker is not None:
            self._broker.stop(signal.SIGTERM, _STOP_SECONDS)

    def kill(self) -> None:
        """`kill -9`."""
        if self._broker is not None:
            self._broker.stop()

    def close(self) -> None:
        """End everything of it."""
        self.kill()
        if self._mapper is not None:
            self._mapper.stop()


class Quota:
    """A folder with a limit: a file system in memory, which only root may mount."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir()
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder)]
        self.limited = (
            shutil.which("mount") is not None
            and subprocess.run(command, capture_output=True, check=False).returncode == 0
        )

    def fill(self) -> None:
        """Take all the space that is left."""
        with contextlib.suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as file:
            while file.write(b"\0" * _BLOCK):
                pass

    def release(self) -> None:
        """Give the space back."""
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it."""
        if self.limited:
            subprocess.run(["umount", "--lazy", str(self.folder)], capture_output=True, check=False)  # noqa: S607
