"""Periodic tasks run once across all processes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from jobs.kinds import Periodic
from jobs.queue import PeriodicView
from servicekit.db import Database

from .jobs_service import Service, eventually, queue


class Runs:
    """Counts the runs of a task."""

    def __init__(self, failures: int = 0) -> None:
        self.count = 0
        self._failures = failures

    async def __call__(self) -> None:
        self.count += 1
        if self.count <= self._failures:
            raise ConnectionError("refused")


async def view(service: Service, name: str) -> PeriodicView:
    async def found() -> PeriodicView | None:
        async with service.database.transaction() as session:
            tasks = {task.name: task for task in await queue.list_periodic(session)}
        return tasks.get(name)

    return await eventually(found)


async def test_two_workers_run_each_due_task_once(service: Service) -> None:
    runs = Runs()
    task = Periodic("shop.tidy", runs, every=timedelta(seconds=0.5), jitter=timedelta(0), at_start=True)
    other = Database(service.url, plans="force_custom_plan")
    async with service.worker(periodic=(task,)), service.worker(periodic=(task,), database=other):

        async def ran_often() -> bool:
            return runs.count >= 4

        began = datetime.now(UTC)
        await eventually(ran_often)
        # Four runs in half-second steps, the first at once.
        assert datetime.now(UTC) - began > timedelta(seconds=1.2)
    await other.close()
    async with service.database.transaction() as session:
        # A run leaves no row behind.
        assert (
            await session.scalar(
                text("SELECT count(*) FROM jobs WHERE kind = 'shop.tidy' AND state <> 'queued'")
            )
            == 0
        )


async def test_missed_runs_are_made_up_for_by_one(service: Service) -> None:
    runs = Runs()
    task = Periodic("shop.tidy", runs, every=timedelta(hours=1))
    async with service.worker(periodic=(task,)):
        await eventually(lambda: _declared(service))
    assert runs.count == 0
    async with service.database.transaction() as session:
        # No worker has run for a day.
        await session.execute(text("UPDATE periodic_tasks SET next_run_at = now() - interval '1 day'"))
    async with service.worker(periodic=(task,)):

        async def succeeded() -> bool:
            return (await view(service, "shop.tidy")).last_success_at is not None

        await eventually(succeeded)
        due = (await view(service, "shop.tidy")).next_run_at - datetime.now(UTC)
    assert runs.count == 1
    assert timedelta(minutes=59) < due < timedelta(minutes=67)


async def _declared(service: Service) -> bool:
    async with service.database.transaction() as session:
        return len(await queue.list_periodic(session)) == 2


async def test_how_a_run_ended_is_in_the_table_and_in_the_metrics(service: Service) -> None:
    runs = Runs(failures=1)
    task = Periodic("shop.fails", runs, every=timedelta(seconds=0.2), jitter=timedelta(0), at_start=True)
    async with service.worker(periodic=(task,)):

        async def succeeded() -> bool:
            return (await view(service, "shop.fails")).last_success_at is not None

        await eventually(succeeded)
        found = await view(service, "shop.fails")
        labels = {"service": "shop", "task": "shop.fails"}

        async def measured() -> bool:
            since = REGISTRY.get_sample_value("zhuxue_periodic_last_success_timestamp_seconds", labels)
            return since is not None and since > found.declared_at.timestamp()

        await eventually(measured)
    assert found.last_error == "ConnectionError: refused"
    assert found.last_failure_at is not None
    for outcome in ("succeeded", "dead"):
        labels = {"service": "shop", "kind": "shop.fails", "outcome": outcome}
        assert REGISTRY.get_sample_value("zhuxue_job_attempts_total", labels)
    labels = {"service": "shop", "kind": "shop.fails"}
    assert REGISTRY.get_sample_value("zhuxue_job_attempt_seconds_count", labels)


async def test_a_task_that_is_now_due_more_often_does_not_wait_for_its_old_time(service: Service) -> None:
    async with service.worker(periodic=(Periodic("shop.tidy", Runs(), every=timedelta(days=1)),)):
        await eventually(lambda: _declared(service))
    runs = Runs()
    async with service.worker(periodic=(Periodic("shop.tidy", runs, every=timedelta(seconds=0.2)),)):

        async def ran() -> bool:
            return runs.count > 0

        await eventually(ran, seconds=10)


async def test_a_run_that_is_due_while_the_last_one_still_runs_is_skipped(service: Service) -> None:
    runs, entered, release = Runs(), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        entered.set()
        await release.wait()
        await runs()

    labels = {"service": "shop", "task": "shop.slow"}
    task = Periodic("shop.slow", slow, every=timedelta(seconds=0.2), jitter=timedelta(0), at_start=True)
    async with service.worker(periodic=(task,)):
        await entered.wait()

        async def skipped() -> bool:
            return (REGISTRY.get_sample_value("zhuxue_periodic_skipped_total", labels) or 0) >= 2

        await eventually(skipped)
        async with service.database.transaction() as session:
            waiting = await session.scalar(text("SELECT count(*) FROM jobs WHERE kind = 'shop.slow'"))
        # The one that runs: further ones would only pile up.
        assert waiting == 1
        release.set()
    assert runs.count >= 1


async def test_two_tasks_of_one_name_are_refused(service: Service) -> None:
    task = Periodic("shop.tidy", Runs(), every=timedelta(hours=1))
    with pytest.raises(ValueError, match="same name"):
        async with service.worker(periodic=(task, task)):
            pass


def test_cron_means_beijing_time_and_jitter_delays() -> None:
    task = Periodic("shop.report", Runs(), cron="30 6 * * *", jitter=timedelta(minutes=10))
    due = task.next_after(datetime(2026, 11, 25, 23, 0, tzinfo=UTC))
    assert datetime(2026, 11, 26, 22, 30, tzinfo=UTC) <= due < datetime(2026, 11, 26, 22, 40, tzinfo=UTC)


@pytest.mark.parametrize("schedule", [{}, {"cron": "nonsense"}, {"cron": "* * * * *", "every": timedelta(1)}])
def test_a_schedule_that_is_none_is_refused(schedule: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"shop\.report"):
        Periodic("shop.report", Runs(), **schedule)  # type: ignore[arg-type]


async def test_a_task_that_has_never_succeeded_is_as_late_as_if_it_had_when_it_was_declared(
    service: Service,
) -> None:
    task = Periodic("shop.never", Runs(failures=9), every=timedelta(hours=1), at_start=True)
    async with service.worker(periodic=(task,)):

        async def failed() -> bool:
            return (await view(service, "shop.never")).last_failure_at is not None

        await eventually(failed)
        found = await view(service, "shop.never")
    labels = {"service": "shop", "task": "shop.never"}
    since = REGISTRY.get_sample_value("zhuxue_periodic_last_success_timestamp_seconds", labels)
    assert found.last_success_at is None
    assert since == found.declared_at.timestamp()
