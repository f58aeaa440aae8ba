"""`WORKERS` processes share one port and answer as one."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from testkit.backends.process import free_port
from testkit.postgres import Migration

OFFICE = ("office", "o" * 40)
FORM = {"grant_type": "client_credentials", "scope": "directory:read"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
def served(app: FastAPI, tmp_path: Path) -> Iterator[str]:
    """The address of `python -m identity serve` with two processes, on the test's database."""
    port = free_port()
    settings = app.state.settings
    values = {
        "MODE": "dev",
        "WORKERS": "2",
        "PORT": str(port),
        "ISSUER": f"http://127.0.0.1:{port}",
        "DATABASE_URL": settings.database_url,
        "ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "INDEX_KEY": settings.index_key.get_secret_value(),
    }
    environment = os.environ | {f"ZHUXUE_IDENTITY_{name}": value for name, value in values.items()}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "identity", "serve"], env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                httpx.get(f"{url}/readyz", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_two_processes_answer_on_one_port_and_their_metrics_are_added_up(served: str) -> None:
    for _ in range(30):
        # A connection each: the kernel gives them to either process.
        answer = httpx.post(f"{served}/token", data=FORM, auth=OFFICE, timeout=30)
        assert answer.status_code == 200, answer.text
    counted = re.compile(
        r'^zhuxue_http_requests_total\{method="POST",route="/token",service="identity",status="200"\} (\S+)$',
        re.MULTILINE,
    )
    found = counted.search(httpx.get(f"{served}/metrics", timeout=30).text)
    assert found is not None
    assert float(found[1]) == 30
