"""The interface of a job for its handler: payload, last checkpoint and progress reports."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.kinds import Kind, P, State
from jobs.queue import JobQueue
from servicekit.db import Database

C = TypeVar("C", bound=BaseModel)


class Stopped(Exception):
    """Raised by `checkpoint` and `progress` if this attempt must end. Handlers must not catch it."""


class Cancelled(Stopped):
    """The job was cancelled."""


class Superseded(Stopped):
    """Another worker has taken over the job, because this one sent no heartbeat within the timeout."""


class Job(Generic[P]):
    """One attempt at a job."""

    def __init__(
        self,
        *,
        id_: UUID,
        kind: Kind[P],
        payload: P,
        start: int,
        attempt: int,
        checkpoint: object,
        deadline: asyncio.Timeout,
        database: Database,
        queue: JobQueue,
    ) -> None:
        self.id = id_
        self.kind = kind
        self.payload = payload
        self.attempt = attempt
        self._start = start
        self._checkpoint = checkpoint
        self._deadline = deadline
        self._database = database
        self._table = queue.jobs

    def resume(self, model: type[C]) -> C | None:
        """Return the last checkpoint, or None if there is none."""
        return None if self._checkpoint is None else model.model_validate(self._checkpoint)

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session in one transaction, on a connection of the worker."""
        return self._database.transaction()

    async def checkpoint(
        self,
        session: AsyncSession,
        position: BaseModel,
        *,
        done: int | None = None,
        total: int | None = None,
        message: str | None = None,
    ) -> None:
        """Record in the caller's transaction that the work up to `position` is complete.

        Call it in the transaction that contains the work, so that the next attempt after a failure resumes
        exactly there. A position that differs from the last one resets the count of attempts, so positions
        must only move forward. `message` is Chinese, for users. Raises `Cancelled` or `Superseded`, which
        rolls back the work since the last checkpoint.
        """
        value = position.model_dump(mode="json")
        values: dict[str, object] = {"checkpoint": value}
        if value != self._checkpoint:
            values["attempts"] = 1
        await self._report(session, values, done, total, message)
        self._checkpoint = value

    async def progress(self, done: int, total: int | None = None, message: str | None = None) -> None:
        """Report progress between checkpoints, in a separate transaction. Raises the errors of `checkpoint`.

        Do not call it within another transaction of the job: it would need a second connection.
        """
        async with self._database.transaction() as session:
            await self._report(session, {}, done, total, message)

    async def _report(
        self,
        session: AsyncSession,
        values: dict[str, object],
        done: int | None,
        total: int | None,
        message: str | None,
    ) -> None:
        given = {"done": done, "total": total, "message": message}
        table = self._table
        cancelled = await session.scalar(
            update(table)
            .where(table.c.id == self.id, table.c.starts == self._start, table.c.state == State.RUNNING)
            .values(
                {
                    **values,
                    **{name: value for name, value in given.items() if value is not None},
                    "updated_at": func.now(),
                }
            )
            .returning(table.c.cancel_requested)
        )
        if cancelled is None:
            raise Superseded
        if cancelled:
            raise Cancelled
        self._deadline.reschedule(asyncio.get_running_loop().time() + self.kind.stall.total_seconds())
