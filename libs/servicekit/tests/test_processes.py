"""Processes of a service: order of start and end, jobs alone, metrics of several processes, logs, retries."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request, WebSocket
from prometheus_client import values
from starlette.routing import WebSocketRoute

from libs.servicekit.tests.support.notes_service import service
from servicekit import logs
from servicekit.app import create_app, worker_app
from servicekit.db import Database
from servicekit.retry import RetryPolicy
from servicekit.settings import ServiceSettings

URL = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"


class StandIn:
    """A worker that notes what happens around it."""

    def __init__(self, happened: list[str]) -> None:
        self.happened = happened
        self.fault: Exception | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.happened.append("worker starts")
        yield
        self.happened.append("worker ends")

    async def check(self) -> None:
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def happened() -> list[str]:
    return []


@pytest.fixture
def worker(happened: list[str]) -> StandIn:
    return StandIn(happened)


def with_worker(worker: StandIn, *, run_jobs: bool) -> FastAPI:
    @asynccontextmanager
    async def resources(_: FastAPI) -> AsyncIterator[None]:
        worker.happened.append("resources open")
        yield
        worker.happened.append("resources close")

    @asynccontextmanager
    async def background(_: FastAPI) -> AsyncIterator[None]:
        worker.happened.append("relay starts")
        yield
        worker.happened.append("relay ends")

    settings = ServiceSettings.model_validate(
        {"mode": "dev", "database_url": URL, "issuer": "https://identity.zhuxue.test", "run_jobs": run_jobs}
    )
    database = Database(URL, plans="force_custom_plan", pool_size=1)
    return create_app(
        name="notes",
        title="便笺",
        settings=settings,
        database=database,
        routers=[],
        resources=resources,
        background=background,
        worker=worker,
    )


@pytest.mark.parametrize("run_jobs", [True, False])
async def test_jobs_run_between_the_resources_and_only_where_they_are_to(
    worker: StandIn, happened: list[str], run_jobs: bool
) -> None:
    app = with_worker(worker, run_jobs=run_jobs)
    async with app.router.lifespan_context(app):
        pass
    jobs = ["worker starts", "worker ends"] if run_jobs else []
    assert happened == ["resources open", "relay starts", *jobs, "relay ends", "resources close"]


async def test_a_process_for_jobs_alone_has_the_resources_and_no_relay(
    worker: StandIn, happened: list[str]
) -> None:
    app = worker_app(with_worker(worker, run_jobs=False))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://notes.test") as http:
            assert (await http.get("/livez")).status_code == 200
            assert "zhuxue_http_requests" in (await http.get("/metrics")).text
            assert (await http.get("/api/v1/notes")).status_code == 404
            ready = (await http.get("/readyz")).json()
            assert ready["checks"]["worker"] == "ok"
            worker.fault = RuntimeError("no task is running")
            assert (await http.get("/readyz")).json()["checks"]["worker"] == "RuntimeError"
    assert happened == ["resources open", "worker starts", "worker ends", "resources close"]


async def test_metrics_add_up_the_processes_of_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for process in (os.getpid(), os.getpid() + 1):
        count = values.MultiProcessValue(process_identifier=lambda process=process: process)  # type: ignore[no-untyped-call]
        count("counter", "sent", "sent_total", (), (), "Messages").inc(2)
    app = service(URL)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notes.test") as http:
        assert "sent_total 4.0" in (await http.get("/metrics")).text


async def test_what_is_no_http_passes_every_middleware() -> None:
    app = service(URL)

    async def changes(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    app.router.routes.append(WebSocketRoute("/changes", changes))
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/changes", "headers": [], "query_string": b""}
    await app(scope, receive, send)
    assert sent == ["websocket.accept", "websocket.close"]


async def test_a_framework_s_refusal_to_be_retried_says_when() -> None:
    app = service(URL)

    @app.get("/busy")
    async def busy() -> None:
        raise HTTPException(503)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notes.test") as http:
        answer = await http.get("/busy")
    assert (answer.headers["retry-after"], answer.json()["code"]) == ("5", "http_503")


async def test_log_lines_name_the_client_that_acts(capsys: pytest.CaptureFixture[str]) -> None:
    app = service(URL)

    @app.get("/acting")
    async def acting(request: Request) -> str | None:
        if client := request.headers.get("x-client"):
            logs.note_actor(client)
        return logs.actor()

    logs.configure(json=False, level="INFO")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notes.test") as http:
        assert (await http.get("/acting", headers={"x-client": "office"})).json() == "office"
        assert "office" in capsys.readouterr().out
        assert (await http.get("/acting")).json() is None, "the last request's"


def test_delays_double_up_to_the_cap() -> None:
    policy = RetryPolicy(limit=5, base=1, cap=6)
    assert [policy.delay(attempt) for attempt in (1, 2, 3, 4, 10_000)] == [1, 2, 4, 6, 6]
    assert policy.delays == [1, 2, 4, 6]


async def test_work_on_a_separate_pool_wakes_the_same_relay() -> None:
    database = Database(URL, plans="force_custom_plan", pool_size=1)
    other = database.separate(pool_size=2)
    database.after_commit.append(lambda: None)
    assert other.after_commit == database.after_commit
    assert other.engine.pool is not database.engine.pool
