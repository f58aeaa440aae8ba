"""RabbitMQ: environment, localhost, Docker, the installed broker started privately, then Debian's package."""

import asyncio
import os
import secrets
import shutil
from pathlib import Path

import aio_pika
from aio_pika.exceptions import AMQPError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from testkit.backends import debian
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

# The version of compose.yaml; tests/deploy/test_compose.py compares them.
IMAGE = "rabbitmq:4.2.9-management"
PACKAGE = "rabbitmq-server"
START_SECONDS = 60.0
# Two schedulers without busy waiting, because the tests need the cores.
ERLANG_ARGUMENTS = "+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}"
# Quorum queues flush each message to disk; the log they flush to is at most 512 MiB.
_IN_MEMORY_BYTES = 2 * 1024**3
LOCALHOST = "amqp://guest:guest@localhost:5672/"


async def _check(url: str) -> None:
    # A TCP connection first, because the AMQP client logs each refused connection during the start.
    address = make_url(url)
    port = address.port or (5671 if address.drivername == "amqps" else 5672)
    _, writer = await asyncio.wait_for(asyncio.open_connection(address.host, port), timeout=3)
    writer.close()
    connection = await aio_pika.connect(url, timeout=5)
    await connection.close()


def probe(url: str) -> str:
    """Return `url` if its broker accepts a connection; UnavailableError gives the reason if not."""
    if not url.startswith(("amqp://", "amqps://")):
        raise UnavailableError("not an amqp:// or amqps:// URL")
    try:
        run_apart(_check(url))
    except (OSError, TimeoutError, ValueError, ArgumentError, AMQPError) as error:
        raise UnavailableError(f"cannot connect: {type(error).__name__}: {error}") from error
    return url


def _from_environment() -> Backend:
    return from_environment("rabbitmq", "RABBITMQ_URL", probe)


def _on_localhost() -> Backend:
    return Backend("rabbitmq", probe(LOCALHOST))


def _run_container() -> Backend:
    from testcontainers.rabbitmq import RabbitMqContainer

    container = RabbitMqContainer(IMAGE)
    container.start()
    try:
        port = container.get_exposed_port(5672)
        url = f"amqp://guest:guest@{container.get_container_host_ip()}:{port}/"
        return Backend("rabbitmq", probe(url), close=container.stop)
    except UnavailableError:
        container.stop()
        raise


def _in_docker() -> Backend:
    return in_docker(IMAGE, _run_container)


def find_server() -> Path:
    """Find the broker's own start script; UnavailableError if no broker is installed.

    Debian's /usr/sbin/rabbitmq-server is a wrapper that changes to the system account and reads the
    system's settings, so the script inside the package comes first.
    """
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    if found:
        return found[-1]
    on_path = shutil.which("rabbitmq-server")
    if on_path is None:
        raise UnavailableError("no rabbitmq-server on this machine")
    return Path(on_path)


def find_epmd() -> Path:
    """Find Erlang's port mapper, on PATH or in the runtime's directory; UnavailableError without it."""
    on_path = shutil.which("epmd")
    if on_path:
        return Path(on_path)
    found = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    if not found:
        raise UnavailableError("no epmd (Erlang's port mapper) on this machine")
    return found[-1]


def private_environment(root: Path, port: int, dist_port: int, epmd_port: int) -> dict[str, str]:
    """Return settings that isolate a broker from others: ports, files, name and cookie."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))
    }
    return {
        **inherited,
        "HOME": str(root),  # Erlang stores its cookie there
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"zhuxue-{secrets.token_hex(4)}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(dist_port),
        "RABBITMQ_MNESIA_BASE": str(root / "mnesia"),
        "RABBITMQ_LOG_BASE": str(root / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(root / "pid"),
        "RABBITMQ_CONF_ENV_FILE": str(root / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(root / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(root / "advanced.config"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(root / "config"),
        "RABBITMQ_SCHEMA_DIR": str(root / "schema"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(root / "enabled_plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_ARGUMENTS,
    }


def start_private(server: Path, epmd: Path, exporter: int | None = None) -> Backend:
    """Start a private broker on a free port of 127.0.0.1; `stop()` removes it with its data.

    `exporter`: the port on which it answers Prometheus; None is none.
    """
    root = make_directory("zhuxue-rabbitmq-", in_memory_bytes=_IN_MEMORY_BYTES)
    started: list[PrivateProcess] = []

    def close() -> None:
        # The broker first, because it logs errors if its port mapper stops before.
        for process in reversed(started):
            process.stop()
        shutil.rmtree(root, ignore_errors=True)

    try:
        for folder in ("mnesia", "log", "config", "schema"):
            (root / folder).mkdir()
        for empty in ("rabbitmq-env.conf", "rabbitmq.conf"):
            (root / empty).touch()
        (root / "advanced.config").write_text("[].\n")
        (root / "enabled_plugins").write_text("[].\n")
        if exporter is not None:
            (root / "enabled_plugins").write_text("[rabbitmq_prometheus].\n")
            (root / "rabbitmq.conf").write_text(
                f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {exporter}\n"
                "collect_statistics_interval = 1000\n"
            )
        port, dist_port, epmd_port = free_port(), free_port(), free_port()
        env = private_environment(root, port, dist_port, epmd_port)
        # Started here, because Erlang would start it as a daemon that survives the test run.
        mapper: list[str | Path] = [epmd, "-address", "127.0.0.1", "-port", str(epmd_port)]
        started.append(PrivateProcess(mapper, log=root / "epmd.log", directories=[], env=env))
        broker = PrivateProcess([server], log=root / "broker.log", directories=[root], env=env)
        started.append(broker)
        url = f"amqp://guest:guest@127.0.0.1:{port}/"
        wait_until_ready(lambda: probe(url), broker.alive, START_SECONDS, broker.tail)
    except OSError as error:
        close()
        raise UnavailableError(str(error)) from error
    except BaseException:
        close()
        raise
    return Backend("rabbitmq", url, close=close)


def _installed() -> Backend:
    return start_private(find_server(), find_epmd())


def watched(exporter: int) -> Backend:
    """Start a broker of the test's own that answers Prometheus on the port `exporter`."""
    try:
        find_server()
    except UnavailableError:
        debian.install(PACKAGE)
    return start_private(find_server(), find_epmd(), exporter)


def _from_debian() -> Backend:
    try:
        find_server()
    except UnavailableError:
        debian.install(PACKAGE)
    else:
        raise UnavailableError("the broker is installed, but did not start (see above)")
    return _installed()


WAYS = (
    Way("RABBITMQ_URL", _from_environment),
    Way("localhost:5672", _on_localhost),
    Way(f"Docker ({IMAGE})", _in_docker),
    Way("installed rabbitmq-server", _installed),
    Way("apt-get install rabbitmq-server", _from_debian),
)


def start() -> Backend:
    """Find or start a RabbitMQ that supports quorum queues; NoBackendError without one."""
    return first_available("rabbitmq", WAYS)
