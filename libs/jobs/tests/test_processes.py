"""Jobs run in `serve`, or in a process of their own that answers for its health."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from pydantic import AnyHttpUrl

from jobs.kinds import Handler, State
from jobs.worker import Worker
from servicekit.app import create_app, worker_app
from servicekit.db import Database
from servicekit.settings import ServiceSettings

from .jobs_service import IMPORT, PACE, Pages, Service, eventually, queue


def shop(service: Service, *, run_jobs: bool) -> FastAPI:
    database = Database(service.url, pool_size=3, plans="force_custom_plan")
    settings = ServiceSettings(
        mode="dev",
        database_url=service.url,
        issuer=AnyHttpUrl("https://id.zhuxue.test"),
        run_jobs=run_jobs,
    )
    worker = Worker("shop", database, queue, handlers=[Handler(IMPORT, Pages().run)], pace=PACE)
    return create_app(
        name="shop", title="shop", settings=settings, database=database, routers=[], worker=worker
    )


async def test_serve_runs_jobs_by_default(service: Service) -> None:
    app = shop(service, run_jobs=True)
    async with app.router.lifespan_context(app):
        await service.until(await service.enqueue(IMPORT), State.SUCCEEDED)


async def test_serve_leaves_jobs_to_another_process_where_the_setting_says_so(service: Service) -> None:
    app = shop(service, run_jobs=False)
    job = await service.enqueue(IMPORT)
    async with app.router.lifespan_context(app):
        await asyncio.sleep(0.3)
        assert (await service.view(job.id)).state == State.QUEUED
    alone = worker_app(shop(service, run_jobs=False))
    async with alone.router.lifespan_context(alone):
        await service.until(job, State.SUCCEEDED)


@pytest.mark.parametrize(
    ("path", "part"), [("/readyz", '"worker":"ok"'), ("/metrics", "zhuxue_job_attempts_total")]
)
async def test_a_process_that_only_works_answers_for_its_health(
    service: Service, path: str, part: str
) -> None:
    alone = worker_app(shop(service, run_jobs=False))
    async with (
        alone.router.lifespan_context(alone),
        httpx.AsyncClient(transport=httpx.ASGITransport(alone), base_url="http://shop.test") as client,
    ):

        async def answered() -> bool:
            response = await client.get(path)
            return response.status_code == 200 and part in response.text

        await eventually(answered)


async def test_a_process_whose_worker_is_not_running_is_not_ready(service: Service) -> None:
    alone = worker_app(shop(service, run_jobs=False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(alone), base_url="http://shop.test") as client:
        response = await client.get("/readyz")
    assert (response.status_code, response.json()["checks"]["worker"]) == (503, "ConnectionError")
