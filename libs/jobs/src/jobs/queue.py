"""The queue of a service: enqueue in the caller's transaction, look up, cancel, retry.

A job has a row in `jobs` with its complete state and, until it ends, a row in pgqueuer's table, which workers
claim. Both rows are always written in one transaction.
"""

from collections.abc import Collection, Sequence
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
from servicekit.tracing import traceparent

# The trigger on pgqueuer's table notifies the workers when the transaction commits.
_CLAIMABLE = text(
    "INSERT INTO pgqueuer (priority, entrypoint, payload, dedupe_key, execute_after, status) "
    "VALUES (:priority, :kind, :payload, :key, now() + :delay, 'queued')"
)
_UNCLAIMABLE = text("DELETE FROM pgqueuer WHERE dedupe_key = :key AND status IN ('queued', 'picked')")
_NOW = timedelta(0)


@dataclass(frozen=True)
class Enqueued:
    """The enqueued job; `new` is false if an equal job was already waiting."""

    id: UUID
    new: bool


@dataclass(frozen=True)
class Depth:
    """How many jobs are due and how many run, and how long the oldest due one has waited."""

    waiting: int
    running: int
    oldest_seconds: float


@dataclass(frozen=True)
class JobView:
    """The state of a job."""

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
    """The state of a periodic task."""

    name: str
    schedule: str
    next_run_at: datetime
    declared_at: datetime
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    last_seconds: int | None


class JobQueue:
    """The jobs of one service; created once, and adds its tables to the metadata of the declarative base."""

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
        """Enqueue a job, which a worker runs after the transaction of `session` has been committed.

        With `dedupe_key`, no job is added if a job of the same kind and key has not started yet. That job
        starts only after this transaction has ended, so it sees the writes of this transaction. A job that
        has started does not count, because it may have read earlier data. Transactions that enqueue with the
        same key wait for each other.
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
        """Enqueue a job with a synchronous session; see `enqueue`."""
        job_id = new_id()
        statement = insert(self.jobs).values(
            id=job_id,
            kind=kind.name,
            dedupe_key=dedupe_key,
            payload=payload.model_dump(mode="json"),
            state=State.QUEUED,
            run_at=func.now() + delay,
            correlation_id=correlation_id(),
            traceparent=traceparent(),
        )
        stored: UUID = session.execute(
            statement.on_conflict_do_update(
                index_elements=["kind", "dedupe_key"],
                index_where=text("state = 'queued' AND starts = 0 AND dedupe_key IS NOT NULL"),
                # An update without changes, which locks the row and thereby delays the start of the job.
                set_={"dedupe_key": statement.excluded.dedupe_key},
            ).returning(self.jobs.c.id)
        ).scalar_one()
        if stored == job_id:
            session.execute(_CLAIMABLE, _claim(job_id, kind.name, kind.priority, delay))
        return Enqueued(stored, stored == job_id)

    async def get(self, session: AsyncSession, job_id: UUID) -> JobView | None:
        """Return one job."""
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
        """Return jobs, latest first; `before` is the id of the last job of the previous page."""
        query = self._views().order_by(self.jobs.c.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(self.jobs.c.kind == kind)
        if state is not None:
            query = query.where(self.jobs.c.state == state)
        if before is not None:
            query = query.where(self.jobs.c.id < before)
        return [_view(row) for row in await session.execute(query)]

    async def is_pending(self, session: AsyncSession, kind: str) -> bool:
        """Return whether a job of this kind is waiting or running."""
        query = select(self.jobs.c.id).where(
            self.jobs.c.kind == kind, self.jobs.c.state.in_((State.QUEUED, State.RUNNING))
        )
        return (await session.execute(query.limit(1))).first() is not None

    async def depth(self, session: AsyncSession, kinds: Collection[str]) -> Depth:
        """Return how much there is to do of these kinds."""
        jobs = self.jobs.c
        due = (jobs.state == State.QUEUED) & (jobs.run_at <= func.now())
        row = (
            await session.execute(
                select(
                    func.count().filter(due).label("waiting"),
                    func.count().filter(jobs.state == State.RUNNING).label("running"),
                    func.coalesce(func.extract("epoch", func.now() - func.min(jobs.run_at).filter(due)), 0),
                ).where(jobs.kind.in_(kinds), jobs.state.in_((State.QUEUED, State.RUNNING)))
            )
        ).one()
        return Depth(int(row[0]), int(row[1]), float(row[2]))

    async def list_periodic(self, session: AsyncSession) -> Sequence[PeriodicView]:
        """Return all periodic tasks that a worker has ever declared."""
        rows = await session.execute(select(self.periodic).order_by(self.periodic.c.name))
        return [PeriodicView(**row._mapping) for row in rows]

    async def cancel(self, session: AsyncSession, job_id: UUID) -> bool:
        """Cancel a job; return False if it does not exist or has ended.

        A waiting job ends immediately, a running job at its next checkpoint.
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

    async def end(self, session: AsyncSession, job_id: UUID) -> None:
        """Cancel a job also if it is running, in a database that no worker uses."""
        await session.execute(
            update(self.jobs)
            .where(self.jobs.c.id == job_id)
            .values(
                state=State.CANCELLED, cancel_requested=True, finished_at=func.now(), updated_at=func.now()
            )
        )
        await self.dequeue(session, job_id)

    async def retry(self, session: AsyncSession, job_id: UUID) -> bool:
        """Run a dead or cancelled job again from its last checkpoint; return False if there is none."""
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
        """Replace the row in pgqueuer's table by one that is due after `delay`; for the worker."""
        await session.execute(_UNCLAIMABLE, {"key": str(job_id)})
        await session.execute(_CLAIMABLE, _claim(job_id, kind.name, kind.priority, delay))

    async def dequeue(self, session: AsyncSession, job_id: UUID) -> None:
        """Delete the row in pgqueuer's table; for the worker."""
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
