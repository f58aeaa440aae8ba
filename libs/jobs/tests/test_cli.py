"""The command `jobs`."""

import argparse
from datetime import timedelta

import pytest

from jobs import cli
from jobs.kinds import Handler, Periodic, State

from .jobs_service import IMPORT, Pages, Service, queue
from .test_jobs import failing
from .test_periodic import Runs, view


async def run(service: Service, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    parser = argparse.ArgumentParser()
    capsys.readouterr()
    cli.add(parser.add_subparsers(dest="command", required=True))
    await cli.run(service.database, queue, parser.parse_args(["jobs", *arguments]))
    return capsys.readouterr().out


async def test_jobs_are_listed_shown_and_retried(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    job = await service.enqueue(IMPORT, pages=2)
    handler = Handler(IMPORT, Pages(failing(3, page=1)).run)
    async with service.worker(handler):
        await service.until(job, State.DEAD)
        assert f"{job.id}\timport\tdead\t1/2\tConnectionError: refused\n" == await run(
            service, capsys, "list"
        )
        assert await run(service, capsys, "list", "--state", "queued") == ""
        assert "已导入 1 页" in await run(service, capsys, "show", str(job.id))
        assert await run(service, capsys, "retry", str(job.id)) == "queued\n"
        await service.until(job, State.SUCCEEDED)
    assert await run(service, capsys, "retry", str(job.id)) == "neither dead nor cancelled\n"


async def test_a_waiting_job_is_cancelled(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    job = await service.enqueue(IMPORT)
    assert await run(service, capsys, "cancel", str(job.id)) == "cancelled\n"
    assert await run(service, capsys, "cancel", str(job.id)) == "no such job, or it has ended\n"


async def test_the_schedule_says_when_a_task_last_succeeded(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    async with service.worker(periodic=(Periodic("shop.tidy", Runs(), every=timedelta(hours=1)),)):
        await view(service, "shop.tidy")
    out = await run(service, capsys, "schedule")
    assert [line.split("\t")[:2] for line in out.splitlines()] == [
        ["jobs.prune", "every 1:00:00"],
        ["shop.tidy", "every 1:00:00"],
    ]
    assert "last success -" in out
