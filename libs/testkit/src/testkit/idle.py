"""Workers that start with the first job, because most tests enqueue none.

A worker opens connections, listens and reads its schedule, which costs as much as what most tests do. Every
job runs, also one that was enqueued before an application starts. Periodic tasks are first due after their
interval, for which tests do not wait; a worker with tasks that are due at its start is not idle.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from jobs.queue import Enqueued, JobQueue
from jobs.worker import Worker

_idle: ContextVar[bool] = ContextVar("idle", default=False)
_waiting: dict[Worker, asyncio.Event] = {}
_used: set[str | None] = set()
"""Databases in which this process has enqueued jobs."""

# What is changed belongs to another module, which types do not allow.
_Worker: Any = Worker
_Queue: Any = JobQueue
_run, _check, _enqueue = _Worker.running, _Worker.check, _Queue.enqueue_sync


@contextlib.contextmanager
def idle_workers() -> Iterator[None]:
    """Have the workers of applications that are started within this context wait for their first job."""
    _Worker.running, _Worker.check, _Queue.enqueue_sync = _running, _checked, _noticed
    token = _idle.set(True)
    try:
        yield
    finally:
        _idle.reset(token)


def wake_workers() -> None:
    """Start the waiting workers of this process: for jobs that a trigger or another process enqueues."""
    for needed in _waiting.values():
        needed.set()


@contextlib.asynccontextmanager
async def _running(self: Worker) -> AsyncIterator[None]:
    database = self._database.engine.url.database
    if not _idle.get() or database in _used or any(one.at_start for one in self._schedule._tasks.values()):
        async with _run(self):
            yield
        return
    needed, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await needed.wait()
        async with _run(self):
            await ended.wait()

    _waiting[self] = needed
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        del _waiting[self]
        ended.set()
        if not needed.is_set():
            task.cancel()
            await self._database.close()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _checked(self: Worker) -> None:
    if self not in _waiting or _waiting[self].is_set():
        await _check(self)


def _noticed(self: JobQueue, session: Session, *args: Any, **kwargs: Any) -> Enqueued:
    database = session.get_bind().engine.url.database

    def wake(_: Session) -> None:
        _used.add(database)
        for worker, needed in _waiting.items():
            if worker._database.engine.url.database == database:
                needed.set()

    # After the commit, so that the worker finds the job when it begins.
    event.listen(session, "after_commit", wake, once=True)
    enqueued: Enqueued = _enqueue(self, session, *args, **kwargs)
    return enqueued
