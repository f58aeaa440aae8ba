"""The queue of a service: enqueue in the caller's transaction, look up, cancel, retry.

A job is a row in `jobs`, which holds all that is known about it, and while it is to run a row in pgqueuer's
table, which workers claim. Both are written in one transaction, always.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import MetaData, Row, Select, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from jobs.kinds import ENDED, Kind, P, State
from jobs.tables import PGQUEUER_TABLES, make_jobs_table, make_periodic_table
from servicekit.ids import new_id
from servicekit.logs import correlation_id
from servicekit.migrations import exclude_tables

# The trigger on pgqueuer's table wakes the workers when the transaction commits.
_CLAIMABLE = text(
    "INSERT INTO pgqueuer (priority, entrypoint, payload, dedupe_key, execute_after, status) "
    "VALUES (:priority, :kind, :payload, :key, now() + :delay, 'queued')"
)
_UNCLAIMABLE = text("DELETE FROM pgqueuer WHERE dedupe_key = :key AND status IN ('queued', 'picked')")
_NOW = timedelta(0)


@dataclass(frozen=True)
class Enqueued:
    """The job that does what was asked for; `new` is false when one was waiting already."""

    id: UUID
    new: bool


@dataclass(frozen=True)
class JobView:
    """What is known about a job."""

    id: UUID
    kind: str
    state: State
    done: int
    total: int | None
    message: str | None
    result: dict[str, Any] | None
    error: str | None
    attempts: int
    run_at: datetime
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class PeriodicView:
    """What is known about a periodic task."""

    name: str
    schedule: str
    next_run_at: datetime
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    last_seconds: int | None


class JobQueue:
    """The jobs of one service; made once beside its declarative base, whose metadata gets the tables."""

    def __init__(self, metadata: MetaData) -> None:
        self.jobs = make_jobs_table(metadata)
        self.periodic = make_periodic_table(metadata)
        exclude_tables(metadata, PGQUEUER_TABLES)
        self._view = [self.jobs.c[name] for name in JobView.__dataclass_fields__]

    async def enqueue(
        self,
        session: AsyncSession,
        kind: Kind[P],
        payload: P,
        *,
        dedupe_key: str | None = None,
        delay: timedelta = _NOW,
    ) -> Enqueued:
        """Have a worker run a job once the transaction of `session` has been committed.

        With `dedupe_key`, a job of the same kind and key that has not started yet stands for this one too.
        It then starts only after this transaction has ended, so it sees what this transaction writes; one
        that has started does not count, because it may have read before. Transactions that enqueue with
        the same key wait for each other.
        """
        return await session.run_sync(
            lambda sync: self.enqueue_sync(sync, kind, payload, dedupe_key=dedupe_key, delay=delay)
        )

    def enqueue_sync(
        self,
        session: Session,
        kind: Kind[P],
        payload: P,
        *,
        dedupe_key: str | None = None,
        delay: timedelta = _NOW,
    ) -> Enqueued:
        """Do the same as `enqueue` with a synchronous session."""
        job_id = new_id()
        statement = insert(self.jobs).values(
            id=job_id,
            kind=kind.name,
            dedupe_key=dedupe_key,
            payload=payload.model_dump(mode="json"),
            state=State.QUEUED,
            run_at=func.now() + delay,
            correlation_id=correlation_id(),
        )
        stored: UUID = session.execute(
            statement.on_conflict_do_update(
                index_elements=["kind", "dedupe_key"],
                index_where=text("state = 'queued' AND starts = 0 AND dedupe_key IS NOT NULL"),
                # Changes nothing; locks the row, and with it the start of the job.
                set_={"dedupe_key": statement.excluded.dedupe_key},
            ).returning(self.jobs.c.id)
        ).scalar_one()
        if stored == job_id:
            session.execute(_CLAIMABLE, _claim(job_id, kind.name, kind.priority, delay))
        return Enqueued(stored, stored == job_id)

    async def get(self, session: AsyncSession, job_id: UUID) -> JobView | None:
        """One job."""
        row = (await session.execute(self._views().where(self.jobs.c.id == job_id))).first()
        return None if row is None else _view(row)

    async def list(
        self,
        session: AsyncSession,
        *,
        kind: str | None = None,
        state: State | None = None,
        before: UUID | None = None,
        limit: int = 100,
    ) -> list[JobView]:
        """Jobs, latest first; `before` is the id of the last one of the page before."""
        query = self._views().order_by(self.jobs.c.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(self.jobs.c.kind == kind)
        if state is not None:
            query = query.where(self.jobs.c.state == state)
        if before is not None:
            query = query.where(self.jobs.c.id < before)
        return [_view(row) for row in await session.execute(query)]

    async def is_pending(self, session: AsyncSession, kind: str) -> bool:
        """Whether a job of this kind is waiting or running."""
        query = select(self.jobs.c.id).where(
            self.jobs.c.kind == kind, self.jobs.c.state.in_((State.QUEUED, State.RUNNING))
        )
        return (await session.execute(query.limit(1))).first() is not None

    async def list_periodic(self, session: AsyncSession) -> Sequence[PeriodicView]:
        """All periodic tasks that a worker has ever declared."""
        rows = await session.execute(select(self.periodic).order_by(self.periodic.c.name))
        return [PeriodicView(**row._mapping) for row in rows]

    async def cancel(self, session: AsyncSession, job_id: UUID) -> bool:
        """Cancel a job; False if there is none or it has ended.

        A waiting job ends at once, a running one at its next checkpoint.
        """
        table = self.jobs
        state = await session.scalar(
            update(table)
            .where(table.c.id == job_id, table.c.state.not_in(ENDED))
            .values(
                cancel_requested=True,
                state=literal_column("CASE state WHEN 'queued' THEN 'cancelled' ELSE state END"),
                finished_at=literal_column("CASE state WHEN 'queued' THEN now() END"),
                updated_at=func.now(),
            )
            .returning(table.c.state)
        )
        if state == State.CANCELLED:
            await session.execute(_UNCLAIMABLE, {"key": str(job_id)})
        return state is not None

    async def retry(self, session: AsyncSession, job_id: UUID) -> bool:
        """Run a dead or cancelled job again, from its last checkpoint; False if there is no such job."""
        table = self.jobs
        kind = await session.scalar(
            update(table)
            .where(table.c.id == job_id, table.c.state.in_((State.DEAD, State.CANCELLED)))
            .values(
                state=State.QUEUED,
                run_at=func.now(),
                attempts=0,
                cancel_requested=False,
                finished_at=None,
                updated_at=func.now(),
            )
            .returning(table.c.kind)
        )
        if kind is not None:
            await session.execute(_CLAIMABLE, _claim(job_id, kind, 0, _NOW))
        return kind is not None

    async def requeue(
        self, session: AsyncSession, job_id: UUID, kind: Kind[Any], delay: timedelta = _NOW
    ) -> None:
        """Replace the row that workers claim by one that is due after `delay`; for the worker."""
        await session.execute(_UNCLAIMABLE, {"key": str(job_id)})
        await session.execute(_CLAIMABLE, _claim(job_id, kind.name, kind.priority, delay))

    async def dequeue(self, session: AsyncSession, job_id: UUID) -> None:
        """Remove the row that workers claim; for the worker."""
        await session.execute(_UNCLAIMABLE, {"key": str(job_id)})

    def _views(self) -> Select[Any]:
        return select(*self._view)


def _claim(job_id: UUID, kind: str, priority: int, delay: timedelta) -> dict[str, object]:
    return {
        "priority": priority,
        "kind": kind,
        "payload": job_id.bytes,
        "key": str(job_id),
        "delay": delay,
    }


def _view(row: Row[Any]) -> JobView:
    values = dict(row._mapping)
    return JobView(**{**values, "state": State(values["state"])})
