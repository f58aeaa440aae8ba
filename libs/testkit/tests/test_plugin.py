"""The plugin as another test run sees it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from testkit import plugin
from testkit.backends import UnavailableError, postgresql

ONE = """
async def test_database(database_factory):
    assert await database_factory("inner")
"""
# Two workers, each with a test that waits for the other: neither could run both.
TWO = """
import asyncio
import os
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent


async def migrate(url):
    with (HERE / "migrated").open("a") as file:
        file.write("once\\n")


@pytest.mark.parametrize("own", ["a", "b"])
async def test_database(own, database_factory, postgres_server):
    await database_factory("inner", migrate)
    (HERE / f"server-{own}").write_text(postgres_server)
    while len(list(HERE.glob("server-*"))) < 2:
        await asyncio.sleep(0.02)
"""
WAITING = """
import pathlib
import time


def test_waiting(postgres_server):
    (pathlib.Path(__file__).parent / "server").write_text(postgres_server)
    time.sleep(60)


def test_other():
    pass
"""

# A function of the application that knows the application, as the pages of the API reference do.
APPLICATION = """
import gc
import weakref

import fastapi

alive = []


def test_that_makes_an_application():
    app = fastapi.FastAPI()

    @app.get("/")
    async def title():
        return app.title

    alive.append(weakref.ref(app))


def test_after_it():
    gc.collect()
    assert [one() for one in alive] == [None]
"""


def _take_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def inner(folder: Path, source: str, *options: str, select: str = ".", **env: str) -> "subprocess.Popen[str]":
    """Start a test run of `source` in `folder`, with the plugin and none that is found by itself."""
    (folder / "test_inner.py").write_text(source)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto"),
            *("-p", "testkit.plugin", *options, select),
        ],
        # Only the plugin named above, so that this works whether or not testkit is installed.
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "pytest_asyncio.plugin,xdist.plugin",
            **env,
        },
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A run in the background ignores SIGINT, and its children inherit that.
        preexec_fn=_take_interrupts,
    )


def outcome(run: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = run.communicate(timeout=120)
    return run.returncode, said


def test_the_summary_names_the_backends_in_use(tmp_path: Path, postgres_server: str) -> None:
    status, said = outcome(inner(tmp_path, ONE, DATABASE_URL=postgres_server))
    assert status == 0, said
    assert "backends: postgresql via DATABASE_URL" in said


def test_a_backend_that_cannot_be_had_fails_the_run(tmp_path: Path) -> None:
    status, said = outcome(inner(tmp_path, ONE, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none"))
    assert status == 1
    assert "DATABASE_URL is set, but its postgresql is unusable" in said
    assert "skipped" not in said


def test_workers_share_one_server_and_what_is_migrated(tmp_path: Path, postgres_server: str) -> None:
    status, said = outcome(inner(tmp_path, TWO, "-n2", DATABASE_URL=postgres_server))
    assert status == 0, said
    assert "backends: postgresql via DATABASE_URL" in said
    assert {file.read_text() for file in tmp_path.glob("server-*")} == {postgres_server}
    assert (tmp_path / "migrated").read_text() == "once\n"


def test_workers_are_told_why_a_backend_cannot_be_had(tmp_path: Path) -> None:
    status, said = outcome(inner(tmp_path, TWO, "-n2", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none"))
    assert status == 1
    assert said.count("MisconfiguredError: DATABASE_URL is set, but its postgresql is unusable") >= 2


def test_no_application_outlives_its_test(tmp_path: Path) -> None:
    status, said = outcome(inner(tmp_path, APPLICATION))
    assert status == 0, said


def test_what_takes_long_runs_first(tmp_path: Path) -> None:
    source = "import pytest\ndef test_short():\n    pass\n@pytest.mark.long\ndef test_long():\n    pass\n"
    status, said = outcome(inner(tmp_path, source, "-vv", "--strict-markers"))
    assert status == 0, said
    assert said.index("test_long") < said.index("test_short")


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one process", "workers"])
def test_an_interrupted_run_leaves_no_server_behind(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = inner(tmp_path, WAITING, *options, DATABASE_URL="")
    server = tmp_path / "server"
    try:
        deadline = time.monotonic() + 60
        while not server.exists() or not server.read_text():
            assert run.poll() is None, outcome(run)
            assert time.monotonic() < deadline
            time.sleep(0.05)
        postgresql.probe(server.read_text())
        run.send_signal(signal.SIGINT)
        status, said = outcome(run)
    finally:
        run.kill()
    assert status == 2, said
    with pytest.raises(UnavailableError, match="cannot connect"):
        postgresql.probe(server.read_text())


@pytest.mark.parametrize(
    ("selected", "workers"), [("test_inner.py", False), ("test_inner.py::test_a", False), (".", True)]
)
def test_one_file_starts_no_workers(tmp_path: Path, selected: str, workers: bool) -> None:
    source = "import os\ndef test_a():\n    print('worker', os.environ.get('PYTEST_XDIST_WORKER'))\n"
    run = inner(tmp_path, source, "-nauto", "-rP", select=selected)
    status, said = outcome(run)
    assert status == 0, said
    assert ("worker gw" in said) is workers


def test_there_are_a_quarter_more_workers_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)

    def workers(cores: int) -> int:
        asked = plugin.pytest_xdist_auto_num_workers(cast(pytest.Config, SimpleNamespace(args=["tests"])))
        next(asked)
        with pytest.raises(StopIteration) as answered:
            asked.send(cores)
        answer: int = answered.value.value
        return answer

    assert [workers(cores) for cores in (1, 2, 4, 8)] == [2, 3, 5, 10]


@pytest.mark.parametrize(
    "fixture", ["postgres_server", "rabbitmq_url", "event_namespace", "database_factory"]
)
def test_the_fixtures_exist(request: pytest.FixtureRequest, fixture: str) -> None:
    assert request.getfixturevalue(fixture)
