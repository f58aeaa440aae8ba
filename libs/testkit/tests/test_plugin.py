"""The plugin as another test run sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

INNER = """
async def test_database(database_factory):
    assert await database_factory("inner")
"""


def run_inner(folder: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    (folder / "test_inner.py").write_text(INNER)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-o",
            "asyncio_mode=auto",
            "-p",
            "testkit.plugin",
            str(folder),
        ],
        # Only the plugin named above, so that this works whether or not testkit is installed.
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "pytest_asyncio.plugin",
            **env,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_summary_names_the_backends_in_use(tmp_path: Path, postgres_server: str) -> None:
    done = run_inner(tmp_path, DATABASE_URL=postgres_server)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "backends: postgresql via DATABASE_URL" in done.stdout


def test_a_backend_that_cannot_be_had_fails_the_run(tmp_path: Path) -> None:
    done = run_inner(tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "DATABASE_URL is set, but its postgresql is unusable" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize(
    "fixture", ["postgres_server", "rabbitmq_url", "event_namespace", "database_factory"]
)
def test_the_fixtures_exist(request: pytest.FixtureRequest, fixture: str) -> None:
    assert request.getfixturevalue(fixture)
