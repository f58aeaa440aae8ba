"""A worker that is killed loses nothing: another one takes its job over."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from jobs.kinds import Handler, State

from .jobs_service import IMPORT, Pages, Service


async def test_another_worker_resumes_the_job_of_a_killed_one(service: Service) -> None:
    job = await service.enqueue(IMPORT, pages=4)
    program = Path(__file__).with_name("jobs_service.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), service.url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"page 2\n"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    left = await service.view(job.id)
    assert (left.state, left.done) == (State.RUNNING, 2)
    async with service.worker(Handler(IMPORT, Pages().run)):
        ended = await service.until(job, State.SUCCEEDED)
    assert await service.pages(job) == [0, 1, 2, 3]
    assert ended.started_at == left.started_at
