"""ClickHouse over HTTP: environment, localhost, Docker, the installed server, then chDB behind HTTP.

The last is no server (`testkit.backends.chdb_http`): with it, tests show that requests, parameters, formats
and errors pass through the client's HTTP path, not how a server behaves. The summary of a run names the way.
"""

import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from testkit.backends.base import (
    Backend,
    UnavailableError,
    Way,
    first_available,
    from_environment,
    wait_until_ready,
)
from testkit.backends.containers import in_docker
from testkit.backends.process import PrivateProcess, free_port, make_directory

IMAGE = "clickhouse/clickhouse-server:26.9"
LOCALHOST = "http://localhost:8123"
START_SECONDS = 60.0
_ANSWER_SECONDS = 5
_IN_MEMORY_BYTES = 1024**3
_CONFIG = """\
<clickhouse>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{port}</http_port>
  <path>{root}/data/</path>
  <tmp_path>{root}/tmp/</tmp_path>
  <user_files_path>{root}/files/</user_files_path>
  <format_schema_path>{root}/schemas/</format_schema_path>
  <users><default>
    <password></password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota>
  </default></users>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
</clickhouse>
"""


def probe(url: str) -> str:
    """Return `url` if a server answers there; UnavailableError gives the reason if not."""
    if not url.startswith(("http://", "https://")):
        raise UnavailableError("not an http:// or https:// URL")
    try:
        address = f"{url.rstrip('/')}/?query=SELECT%201"
        with urllib.request.urlopen(address, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - checked above
            found = answer.read(100)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise UnavailableError(f"cannot connect: {type(error).__name__}: {error}") from error
    if found.strip() != b"1":
        raise UnavailableError("what answers there is no ClickHouse")
    return url


def _from_environment() -> Backend:
    return from_environment("clickhouse", "CLICKHOUSE_URL", probe)


def _on_localhost() -> Backend:
    return Backend("clickhouse", probe(LOCALHOST))


def _run_container() -> Backend:
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(IMAGE).with_exposed_ports(8123).with_env("CLICKHOUSE_SKIP_USER_SETUP", "1")
    container.start()
    try:
        url = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(8123)}"
        wait_until_ready(lambda: probe(url), lambda: True, START_SECONDS, lambda: "")
        return Backend("clickhouse", url, close=container.stop)
    except UnavailableError:
        container.stop()
        raise


def _in_docker() -> Backend:
    return in_docker(IMAGE, _run_container)


def _start(command: list[str | Path], root: Path, port: int) -> Backend:
    process = PrivateProcess(command, log=root / "output.log", directories=[root])
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(lambda: probe(url), process.alive, START_SECONDS, process.tail)
    except BaseException:
        process.stop()
        raise
    return Backend("clickhouse", url, close=process.stop)


def _installed() -> Backend:
    program = shutil.which("clickhouse")
    if program is None:
        raise UnavailableError("no clickhouse on this machine")
    root, port = make_directory("zhuxue-clickhouse-", in_memory_bytes=_IN_MEMORY_BYTES), free_port()
    config = root / "config.xml"
    config.write_text(_CONFIG.format(port=port, root=root))
    return _start([program, "server", f"--config-file={config}"], root, port)


def _chdb() -> Backend:
    root, port = make_directory("zhuxue-chdb-", in_memory_bytes=_IN_MEMORY_BYTES), free_port()
    command = [sys.executable, "-m", "testkit.backends.chdb_http", str(port), str(root / "data")]
    return _start([*command], root, port)


WAYS = (
    Way("CLICKHOUSE_URL", _from_environment),
    Way("localhost:8123", _on_localhost),
    Way(f"Docker ({IMAGE})", _in_docker),
    Way("installed clickhouse", _installed),
    Way("chDB behind HTTP, no server", _chdb),
)


def start() -> Backend:
    """Find or start something that answers as ClickHouse over HTTP; NoBackendError lists the tried ways."""
    return first_available("clickhouse", WAYS)
