"""The state changes that a worker records; each is one transaction with the row in pgqueuer's table."""

from dataclasses import dataclass
from datetime import timedelta
from random import uniform
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.kinds import Kind, State
from jobs.queue import JobQueue
from servicekit.db import Database

_ERROR_LENGTH = 2000


@dataclass(frozen=True)
class Started:
    """A started attempt."""

    id: UUID
    start: int
    attempt: int
    payload: Any
    checkpoint: Any
    cancel_requested: bool
    correlation_id: str | None
    traceparent: str | None


class Records:
    """Records the state of the jobs of one service."""

    def __init__(self, database: Database, queue: JobQueue, worker: str) -> None:
        self._database = database
        self._queue = queue
        self._worker = worker

    async def start(self, job_id: UUID) -> Started | None:
        """Start an attempt and return it, or None if the job has ended.

        Takes over a job that a killed worker has left `running`; such a start also counts as an attempt.
        """
        table = self._queue.jobs
        async with self._database.transaction() as session:
            row = (
                await session.execute(
                    update(table)
                    .where(table.c.id == job_id, table.c.state.in_((State.QUEUED, State.RUNNING)))
                    .values(
                        state=State.RUNNING,
                        starts=table.c.starts + 1,
                        attempts=table.c.attempts + 1,
                        started_at=func.coalesce(table.c.started_at, func.now()),
                        updated_at=func.now(),
                        worker=self._worker,
                    )
                    .returning(table)
                )
            ).first()
            if row is None:
                await self._queue.dequeue(session, job_id)
                return None
            return Started(
                id=job_id,
                start=row.starts,
                attempt=row.attempts,
                payload=row.payload,
                checkpoint=row.checkpoint,
                cancel_requested=row.cancel_requested,
                correlation_id=row.correlation_id,
                traceparent=row.traceparent,
            )

    async def succeed(self, started: Started, result: BaseModel | None) -> bool:
        """Record success. Return False if another worker has taken over the job."""
        value = None if result is None else result.model_dump(mode="json")
        async with self._database.transaction() as session:
            return await self._end(session, started, State.SUCCEEDED, result=value, error=None)

    async def cancel(self, started: Started) -> bool:
        """Record cancellation."""
        async with self._database.transaction() as session:
            return await self._end(session, started, State.CANCELLED)

    async def fail(self, started: Started, kind: Kind[Any], error: str, *, permanent: bool) -> State | None:
        """Schedule the next attempt, or mark the job as dead if it has no attempts left.

        Returns the new state, or None if another worker has taken over the job.
        """
        error = error[:_ERROR_LENGTH]
        async with self._database.transaction() as session:
            attempts = await self._change(session, started, error=error)
            if attempts is None:
                return None
            if permanent or attempts >= kind.retry.limit:
                await self._end(session, started, State.DEAD)
                return State.DEAD
            delay = timedelta(seconds=kind.retry.delay(attempts) * uniform(0.8, 1.2))
            await self._requeue(session, started, kind, delay)
            return State.QUEUED

    async def interrupt(self, started: Started, kind: Kind[Any]) -> bool:
        """Return the job to the queue because this worker stops; this does not count as a failed attempt."""
        attempts = func.greatest(self._queue.jobs.c.attempts - 1, 0)
        async with self._database.transaction() as session:
            return await self._requeue(session, started, kind, timedelta(0), attempts=attempts)

    async def end_periodic(self, started: Started, seconds: float, error: str | None) -> bool:
        """Record the result of a run of a periodic task and delete the row of its job."""
        jobs, tasks = self._queue.jobs, self._queue.periodic
        outcome: dict[str, Any] = (
            {"last_success_at": func.now(), "last_seconds": round(seconds)}
            if error is None
            else {"last_failure_at": func.now(), "last_error": error[:_ERROR_LENGTH]}
        )
        async with self._database.transaction() as session:
            ended = await session.scalar(
                delete(jobs)
                .where(jobs.c.id == started.id, jobs.c.starts == started.start)
                .returning(jobs.c.kind)
            )
            if ended is None:
                return False
            await session.execute(update(tasks).where(tasks.c.name == ended).values(outcome))
            await self._queue.dequeue(session, started.id)
            return True

    async def _end(self, session: AsyncSession, started: Started, state: State, **values: Any) -> bool:
        if await self._change(session, started, state=state, finished_at=func.now(), **values) is None:
            return False
        await self._queue.dequeue(session, started.id)
        return True

    async def _requeue(
        self, session: AsyncSession, started: Started, kind: Kind[Any], delay: timedelta, **values: Any
    ) -> bool:
        run_at = func.now() + delay
        if await self._change(session, started, state=State.QUEUED, run_at=run_at, **values) is None:
            return False
        await self._queue.requeue(session, started.id, kind, delay)
        return True

    async def _change(self, session: AsyncSession, started: Started, **values: Any) -> int | None:
        """Update the row of an attempt; return its count of attempts, or None if it is not current."""
        table = self._queue.jobs
        attempts: int | None = await session.scalar(
            update(table)
            .where(table.c.id == started.id, table.c.starts == started.start, table.c.state == State.RUNNING)
            .values(updated_at=func.now(), **values)
            .returning(table.c.attempts)
        )
        return attempts
