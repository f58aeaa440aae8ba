"""What is promised of jobs: see docs/adr/0011-jobs.md."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from jobs.job import Job
from jobs.kinds import Handler, Kind, PermanentFailure, State
from jobs.worker import Pace
from servicekit.retry import RetryPolicy

from .jobs_service import IMPORT, PACE, QUICK, SERIAL, Import, Pages, Service, eventually, queue


class Gate:
    """Holds a handler at a page until the test opens it."""

    def __init__(self, page: int = 0) -> None:
        self._page = page
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, page: int) -> None:
        if page == self._page:
            self.reached.set()
            await self.opened.wait()


def failing(times: int, page: int = 0) -> Callable[[int], Awaitable[None]]:
    left = [times]

    async def before(at: int) -> None:
        if at == page and left[0]:
            left[0] -= 1
            raise ConnectionError("refused")

    return before


async def rows_to_claim(service: Service) -> int:
    async with service.database.transaction() as session:
        return await session.scalar(text("SELECT count(*) FROM pgqueuer")) or 0


async def test_a_job_runs_and_leaves_its_progress_and_result(service: Service) -> None:
    job = await service.enqueue(IMPORT, pages=3)
    assert (job.state, job.done, job.started_at) == (State.QUEUED, 0, None)
    async with service.worker(Handler(IMPORT, Pages().run)):
        ended = await service.until(job, State.SUCCEEDED)
    assert (ended.done, ended.total, ended.message, ended.result) == (3, 3, "已导入 3 页", {"pages": 3})
    assert await service.pages(job) == [0, 1, 2]
    assert ended.finished_at is not None
    assert await rows_to_claim(service) == 0


async def test_a_job_that_is_enqueued_wakes_an_idle_worker_at_once(service: Service) -> None:
    async with service.worker(Handler(IMPORT, Pages().run), pace=Pace(heartbeat=60, poll=60)) as worker:
        await eventually(lambda: _checked(worker.check))
        first = await service.enqueue(IMPORT)
        await service.until(first, State.SUCCEEDED, seconds=5)
        second = await service.enqueue(IMPORT)
        await service.until(second, State.SUCCEEDED, seconds=5)


async def _checked(check: Callable[[], Awaitable[None]]) -> bool:
    try:
        await check()
    except ConnectionError:
        return False
    return True


async def test_a_job_goes_with_the_transaction_that_enqueued_it(service: Service) -> None:
    async def request() -> None:
        async with service.database.transaction() as session:
            enqueued = await queue.enqueue(session, IMPORT, Import())
            assert await queue.get(session, enqueued.id) is not None
            raise RuntimeError("the request fails")

    with pytest.raises(RuntimeError):
        await request()
    async with service.database.transaction() as session:
        assert await queue.list(session) == []
    assert await rows_to_claim(service) == 0


async def test_a_job_that_has_not_started_stands_for_another_of_its_key(service: Service) -> None:
    first = await service.enqueue(IMPORT, dedupe_key="all")
    async with service.database.transaction() as session:
        again = await queue.enqueue(session, IMPORT, Import(), dedupe_key="all")
        other = await queue.enqueue(session, IMPORT, Import(), dedupe_key="other")
        without = await queue.enqueue(session, IMPORT, Import())
    assert (again.id, again.new) == (first.id, False)
    assert other.new
    assert without.new
    assert await rows_to_claim(service) == 3


async def test_a_job_that_has_started_does_not_stand_for_another(service: Service) -> None:
    gate = Gate()
    async with service.worker(Handler(SERIAL, Pages(gate).run)):
        first = await service.enqueue(SERIAL, dedupe_key="all")
        await gate.reached.wait()
        second = await service.enqueue(SERIAL, dedupe_key="all")
        assert second.id != first.id
        gate.opened.set()
        await service.until(second, State.SUCCEEDED)


async def test_a_job_starts_only_after_a_transaction_that_relies_on_it_has_ended(service: Service) -> None:
    job = await service.enqueue(IMPORT, dedupe_key="all")
    async with service.database.transaction() as session:
        await queue.enqueue(session, IMPORT, Import(), dedupe_key="all")
        async with service.worker(Handler(IMPORT, Pages().run)):

            async def waits() -> bool:
                async with service.database.transaction() as other:
                    return bool(
                        await other.scalar(
                            text(
                                "SELECT count(*) FROM pg_stat_activity "
                                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
                            )
                        )
                    )

            await eventually(waits)
            assert (await service.view(job.id)).started_at is None
            await session.commit()
            await service.until(job, State.SUCCEEDED)


async def test_jobs_of_a_kind_with_a_limit_run_one_after_the_other(service: Service) -> None:
    at_once = most = 0

    async def before(_: int) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.05)
        at_once -= 1

    jobs = [await service.enqueue(SERIAL) for _ in range(4)]
    handler = Handler(SERIAL, Pages(before).run)
    async with service.worker(handler), service.worker(handler):
        for job in jobs:
            await service.until(job, State.SUCCEEDED)
    assert most == 1


async def test_a_failed_job_is_tried_again_and_resumes_at_its_checkpoint(service: Service) -> None:
    job = await service.enqueue(IMPORT, pages=4)
    async with service.worker(Handler(IMPORT, Pages(failing(2, page=2)).run)):
        ended = await service.until(job, State.SUCCEEDED)
    # Each page once: the second attempt began at the checkpoint.
    assert await service.pages(job) == [0, 1, 2, 3]
    assert ended.error is None


async def test_attempts_are_counted_since_the_last_checkpoint(service: Service) -> None:
    async def before(page: int) -> None:
        if page not in failed or failed[page] < QUICK.limit - 1:
            failed[page] = failed.get(page, 0) + 1
            raise ConnectionError("refused")

    failed: dict[int, int] = {}
    job = await service.enqueue(IMPORT, pages=4)
    async with service.worker(Handler(IMPORT, Pages(before).run)):
        await service.until(job, State.SUCCEEDED, State.DEAD)
    assert await service.pages(job) == [0, 1, 2, 3]
    assert sum(failed.values()) > QUICK.limit


async def test_a_job_that_keeps_failing_is_dead_with_its_error_and_can_be_retried(service: Service) -> None:
    job = await service.enqueue(IMPORT, pages=2)
    handler = Handler(IMPORT, Pages(failing(QUICK.limit, page=1)).run)
    async with service.worker(handler):
        dead = await service.until(job, State.DEAD)
        assert (dead.error, dead.attempts, dead.done) == ("ConnectionError: refused", 3, 1)
        assert await rows_to_claim(service) == 0
        async with service.database.transaction() as session:
            assert await queue.retry(session, job.id)
        await service.until(job, State.SUCCEEDED)
    assert await service.pages(job) == [0, 1]
    async with service.database.transaction() as session:
        assert not await queue.retry(session, job.id)


async def test_a_permanent_failure_is_not_tried_again(service: Service) -> None:
    calls = 0

    async def refuse(_: Job[Import]) -> None:
        nonlocal calls
        calls += 1
        raise PermanentFailure("no such file")

    job = await service.enqueue(IMPORT)
    async with service.worker(Handler(IMPORT, refuse)):
        dead = await service.until(job, State.DEAD)
    assert (calls, dead.error) == (1, "PermanentFailure: no such file")


async def test_a_payload_that_no_longer_fits_is_dead_at_once(service: Service) -> None:
    class Other(BaseModel):
        file: str

    job = await service.enqueue(IMPORT)
    async with service.worker(Handler(Kind("import", Other), _never)):
        assert "file" in ((await service.until(job, State.DEAD)).error or "")


async def _never(_: object) -> None:
    raise AssertionError


async def test_an_attempt_without_progress_is_ended_and_counts_as_failed(service: Service) -> None:
    kind = Kind("stuck", Import, retry=RetryPolicy(limit=2, base=0.01), stall=timedelta(seconds=0.3))
    gate = Gate(page=1)
    job = await service.enqueue(kind, pages=2)
    async with service.worker(Handler(kind, Pages(gate).run)):
        dead = await service.until(job, State.DEAD)
    assert dead.error == "TimeoutError: no progress for 0:00:00.300000"


async def test_a_handler_that_cancels_itself_has_failed(service: Service) -> None:
    async def before(_: int) -> None:
        raise asyncio.CancelledError

    job = await service.enqueue(IMPORT)
    async with service.worker(Handler(IMPORT, Pages(before).run)):
        ended = await service.until(job, State.DEAD)
    assert ended.error == "RuntimeError: the handler was cancelled"


async def test_a_job_that_is_cancelled_between_two_attempts_is_not_tried_again(service: Service) -> None:
    job = await service.enqueue(IMPORT)
    async with service.database.transaction() as session:
        # As after a worker that was killed: the next one reads the request before it starts.
        await session.execute(text("UPDATE jobs SET state = 'running', cancel_requested = true"))
    async with service.worker(Handler(IMPORT, Pages().run)):
        await service.until(job, State.CANCELLED)
    assert await service.pages(job) == []


async def test_progress_puts_the_end_of_patience_off(service: Service) -> None:
    kind = Kind("slow", Import, retry=RetryPolicy(limit=1), stall=timedelta(seconds=0.5))

    async def run(job: Job[Import]) -> None:
        for step in range(8):
            await asyncio.sleep(0.1)
            await job.progress(step, 8, "正在导入")

    job = await service.enqueue(kind)
    async with service.worker(Handler(kind, run)):
        ended = await service.until(job, State.SUCCEEDED, State.DEAD)
    assert (ended.state, ended.done) == (State.SUCCEEDED, 7)


async def test_a_waiting_job_is_cancelled_at_once(service: Service) -> None:
    job = await service.enqueue(IMPORT)
    async with service.database.transaction() as session:
        assert await queue.cancel(session, job.id)
        assert not await queue.cancel(session, job.id)
    assert (await service.view(job.id)).state == State.CANCELLED
    assert await rows_to_claim(service) == 0


async def test_a_running_job_is_cancelled_at_its_next_checkpoint(service: Service) -> None:
    gate = Gate(page=1)
    job = await service.enqueue(IMPORT, pages=3)
    async with service.worker(Handler(IMPORT, Pages(gate).run)):
        await gate.reached.wait()
        async with service.database.transaction() as session:
            assert await queue.cancel(session, job.id)
        assert (await service.view(job.id)).state == State.RUNNING
        gate.opened.set()
        ended = await service.until(job, State.CANCELLED)
    # The page of the refused checkpoint was rolled back.
    assert await service.pages(job) == [0]
    assert ended.done == 1
    assert await rows_to_claim(service) == 0


async def test_a_worker_that_stops_gives_its_jobs_back(service: Service) -> None:
    gate = Gate(page=1)
    job = await service.enqueue(IMPORT, pages=3)
    quick = Pace(heartbeat=PACE.heartbeat, poll=PACE.poll, grace=0.05)
    async with service.worker(Handler(IMPORT, Pages(gate).run), pace=quick):
        await gate.reached.wait()
    given_back = await service.view(job.id)
    assert (given_back.state, given_back.attempts, given_back.done) == (State.QUEUED, 0, 1)
    async with service.worker(Handler(IMPORT, Pages().run)):
        await service.until(job, State.SUCCEEDED)
    assert await service.pages(job) == [0, 1, 2]


async def test_a_worker_that_lost_its_job_writes_nothing_more(service: Service) -> None:
    gate = Gate(page=1)
    job = await service.enqueue(IMPORT, pages=2)
    async with service.worker(Handler(IMPORT, Pages(gate).run)):
        await gate.reached.wait()
        # As after a heartbeat that came too late: another worker has started the job anew.
        async with service.database.transaction() as session:
            await session.execute(text("UPDATE jobs SET starts = starts + 1"))
        gate.opened.set()
        await asyncio.sleep(0.2)
    assert await service.pages(job) == [0]
    assert (await service.view(job.id)).state == State.RUNNING
    assert await rows_to_claim(service) == 1


async def test_a_worker_survives_the_loss_of_its_connections(service: Service) -> None:
    async with service.worker(Handler(IMPORT, Pages().run)) as worker:
        await eventually(lambda: _checked(worker.check))
        async with service.database.transaction() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'shop-jobs' AND datname = current_database()"
                )
            )
        job = await service.enqueue(IMPORT)
        await service.until(job, State.SUCCEEDED)


async def test_jobs_are_listed_latest_first_and_by_page(service: Service) -> None:
    jobs = [await service.enqueue(IMPORT) for _ in range(3)]
    await service.enqueue(SERIAL)
    async with service.database.transaction() as session:
        first = await queue.list(session, kind="import", limit=2)
        rest = await queue.list(session, kind="import", before=first[-1].id)
        assert await queue.list(session, state=State.DEAD) == []
    assert [job.id for job in (*first, *rest)] == [job.id for job in reversed(jobs)]
