"""The worker: claims jobs through pgqueuer, runs their handlers and records the results.

pgqueuer claims jobs (LISTEN/NOTIFY, `SKIP LOCKED`, limits per kind), sends heartbeats, and gives a job to
another worker if the heartbeats stop. `records` manages the state of jobs.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain import models
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import NotifyCallback
from pydantic import BaseModel, ValidationError
from structlog.contextvars import bound_contextvars

from jobs import pruning
from jobs.job import Cancelled, Job, Superseded
from jobs.kinds import AnyHandler, Periodic, PermanentFailure, State
from jobs.metrics import OLDEST, OUTCOMES, RUNNING, SECONDS, WAITING
from jobs.queue import JobQueue
from jobs.records import Records, Started
from jobs.schedule import Schedule
from servicekit.background import repeated
from servicekit.db import Database
from servicekit.metrics import Measure
from servicekit.tracing import continued

log = structlog.get_logger("jobs")

# A job that waits for another system holds no connection.
_CONNECTIONS = 10
# A job is dead after this many consecutive worker deaths, independent of its own limit.
_CRASHES = 3
# All names are explicit, because pgqueuer's defaults read environment variables such as CHANNEL and FUNCTION.
_NAMES = DBSettings(
    prefix="",
    db_schema=None,
    channel=Channel("ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
)


@dataclass(frozen=True)
class Pace:
    """Timing (in seconds) and concurrency of a worker.

    A job is taken over `heartbeat` to `heartbeat + poll` after the death of its worker. A stopping worker
    waits `grace` for its jobs. `concurrency` limits the concurrent jobs of this process and must be even.
    """

    heartbeat: float = 30.0
    poll: float = 10.0
    concurrency: int = 16
    grace: float = 5.0


class Worker:
    """Runs the jobs and periodic tasks of one service."""

    def __init__(
        self,
        service: str,
        database: Database,
        queue: JobQueue,
        *,
        handlers: Sequence[AnyHandler] = (),
        periodic: Sequence[Periodic] = (),
        pace: Pace | None = None,
    ) -> None:
        tasks = [*periodic, pruning.task(database, queue)]
        self._service = service
        # A separate pool, so that jobs and requests never wait for each other's connections.
        self._database = database.separate(pool_size=_CONNECTIONS)
        self._queue = queue
        self._pace = pace or Pace()
        self._handlers = {handler.kind.name: handler for handler in handlers}
        self._periodic = frozenset(task.name for task in tasks)
        for task in tasks:
            self._handlers[task.name] = task.handler()
        if len(self._handlers) != len(handlers) + len(tasks):
            raise ValueError("two kinds of jobs or periodic tasks have the same name")
        for name in self._handlers:
            # Prometheus sees no increase in a series that begins with one.
            OUTCOMES.labels(service, name, "dead")
        self._schedule = Schedule(service, self._database, queue, tasks)
        self._records = Records(self._database, queue, f"{socket.gethostname()}:{os.getpid()}")
        self._manager: QueueManager | None = None
        self._stopping = False
        self._giving_back = asyncio.Event()
        self._running: set[asyncio.Task[BaseModel | None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run jobs and periodic tasks until the context exits.

        On exit, jobs may continue for the grace period. Jobs that do not end are then cancelled and returned
        to the queue; another worker resumes them from their last checkpoint.
        """
        self._stopping = False
        self._giving_back.clear()
        try:
            async with (
                repeated(f"{self._service}-schedule", self._schedule.look, every=30, jitter=0),
                self._claiming(),
            ):
                yield
        finally:
            await self._database.close()

    def measuring(self, database: Database) -> Measure:
        """Return what sets the gauges of the queue; `database` because this worker may not be running."""

        async def measure() -> None:
            async with database.transaction() as session:
                depth = await self._queue.depth(session, self._handlers)
            WAITING.labels(self._service).set(depth.waiting)
            RUNNING.labels(self._service).set(depth.running)
            OLDEST.labels(self._service).set(depth.oldest_seconds)

        return measure

    async def check(self) -> None:
        """Raise if this worker does not claim jobs."""
        if self._manager is None:
            raise ConnectionError("the worker is not running")

    @contextlib.asynccontextmanager
    async def _claiming(self) -> AsyncIterator[None]:
        stopped = asyncio.Event()

        async def claim() -> None:
            try:
                await self._claim()
            finally:
                if self._stopping:
                    stopped.set()

        async with repeated(f"{self._service}-worker", claim, every=1):
            try:
                yield
            finally:
                self._stopping = True
                if self._manager is not None:
                    self._manager.shutdown.set()
                    await self._drain(stopped)

    async def _drain(self, stopped: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.grace):
                await stopped.wait()
        self._giving_back.set()
        for task in self._running:
            task.cancel()
        await stopped.wait()

    async def _claim(self) -> None:
        """Run pgqueuer until this worker stops or loses the database."""
        _, options = self._database.engine.dialect.create_connect_args(self._database.engine.url)
        async with asyncpg.create_pool(
            **options,
            min_size=2,
            max_size=3,
            server_settings={"application_name": f"{self._service}-jobs", "timezone": "UTC", "jit": "off"},
        ) as pool:
            manager = _Manager(_Queries(_Driver(pool), *_builders()), _NAMES.channel)
            for name, handler in self._handlers.items():
                manager.register_executor(name, _Executor(self, handler))
            self._manager = manager
            try:
                await manager.run(
                    dequeue_timeout=timedelta(seconds=self._pace.poll),
                    batch_size=max(1, self._pace.concurrency // 2),
                    max_concurrent_tasks=self._pace.concurrency,
                    shutdown_on_listener_failure=True,
                    heartbeat_timeout=timedelta(seconds=self._pace.heartbeat),
                    log_aggregation_interval=timedelta(0),
                )
            finally:
                self._manager = None

    async def run_job(self, job_id: UUID, handler: AnyHandler) -> None:
        """Run one attempt and record its result.

        If the result cannot be recorded, the row stays claimed without heartbeats and is claimed again later.
        """
        started = await self._records.start(job_id)
        if started is None:
            return
        kind = handler.kind
        about = {"job_id": str(job_id), "kind": kind.name, "correlation_id": started.correlation_id}
        with bound_contextvars(service=self._service, **about), continued(started.traceparent) as span:
            began = time.perf_counter()
            outcome = await self._attempt(started, handler, began)
            SECONDS.labels(self._service, kind.name).observe(time.perf_counter() - began)
            OUTCOMES.labels(self._service, kind.name, outcome).inc()
            log.log(
                _LEVELS.get(outcome, 20),
                "job attempt ended",
                outcome=outcome,
                attempt=started.attempt,
                parent_id=span.parent_id,
            )

    async def _attempt(self, started: Started, handler: AnyHandler, began: float) -> str:
        kind, records = handler.kind, self._records
        if started.cancel_requested:
            return await _kept(records.cancel(started), "cancelled")
        if self._giving_back.is_set():
            return await _kept(records.interrupt(started, kind), "interrupted")
        error: BaseException
        if started.attempt > max(kind.retry.limit, _CRASHES):
            error = PermanentFailure("the worker died during each attempt")
        else:
            task = asyncio.create_task(self._call(started, handler), name=f"job-{kind.name}")
            self._running.add(task)
            try:
                await asyncio.wait({task})
            finally:
                self._running.discard(task)
                task.cancel()
            if task.cancelled():
                if self._giving_back.is_set():
                    return await _kept(records.interrupt(started, kind), "interrupted")
                error = RuntimeError("the handler was cancelled")
            elif (raised := task.exception()) is None:
                if kind.name in self._periodic:
                    seconds = time.perf_counter() - began
                    return await _kept(records.end_periodic(started, seconds, None), "succeeded")
                return await _kept(records.succeed(started, task.result()), "succeeded")
            else:
                error = raised
        if isinstance(error, Superseded):
            return "superseded"
        if isinstance(error, Cancelled):
            return await _kept(records.cancel(started), "cancelled")
        log.warning("job failed", attempt=started.attempt, exc_info=error)
        said = f"{type(error).__name__}: {error}"
        permanent = isinstance(error, PermanentFailure)
        if kind.name in self._periodic and (permanent or started.attempt >= kind.retry.limit):
            return await _kept(records.end_periodic(started, time.perf_counter() - began, said), "dead")
        state = await records.fail(started, kind, said, permanent=permanent)
        return _FAILED[state]

    async def _call(self, started: Started, handler: AnyHandler) -> BaseModel | None:
        kind = handler.kind
        try:
            payload = kind.payload.model_validate(started.payload)
        except ValidationError as error:
            raise PermanentFailure(f"the payload does not fit: {error}") from error
        deadline = asyncio.timeout(kind.stall.total_seconds())
        job = Job(
            id_=started.id,
            kind=kind,
            payload=payload,
            start=started.start,
            attempt=started.attempt,
            checkpoint=started.checkpoint,
            deadline=deadline,
            database=self._database,
            queue=self._queue,
        )
        try:
            async with deadline:
                return await handler.call(job)
        except TimeoutError as error:
            if deadline.expired():
                raise TimeoutError(f"no progress for {kind.stall}") from error
            raise


_FAILED = {State.QUEUED: "retried", State.DEAD: "dead", None: "superseded"}
_LEVELS = {"dead": 40, "superseded": 30}


async def _kept(recorded: Any, outcome: str) -> str:
    return outcome if await recorded else "superseded"


def _builders() -> tuple[QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder]:
    return QueryBuilderEnvironment(_NAMES), QueryQueueBuilder(_NAMES), QuerySchedulerBuilder(_NAMES)


class _Queries(Queries):
    """pgqueuer's queries; the transaction that records a job's result deletes the row instead."""

    async def log_jobs(self, job_status: object) -> None:
        """Keep the rows: a job whose result could not be recorded must be claimed again."""


class _Driver(AsyncpgPoolDriver):
    """pgqueuer's driver that reports when the first LISTEN is in effect."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.listening = asyncio.Event()

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Add a listener; then notifications arrive."""
        await super().add_listener(channel, callback)
        self.listening.set()


class _Manager(QueueManager):
    """pgqueuer's queue manager without the schema check at start: migrations create the tables.

    pgqueuer starts to probe LISTEN/NOTIFY before it executes LISTEN. The first probe could be lost, and the
    manager would end ten seconds later with `FailingListenerError`.
    """

    async def verify_structure(self) -> None:
        """Do nothing; migrations create the tables."""

    async def listener_healthy(
        self,
        timeout: timedelta = timedelta(seconds=10),  # noqa: ASYNC109 - pgqueuer's signature
    ) -> models.HealthCheckEvent:
        """Probe LISTEN/NOTIFY, once LISTEN is in effect. Raises `FailingListenerError`."""
        if isinstance(self.queries.driver, _Driver):
            await self.queries.driver.listening.wait()
        return await super().listener_healthy(timeout)


async def _never(_: models.Job) -> None:
    raise NotImplementedError


class _Executor(AbstractEntrypointExecutor):
    """Passes claimed jobs of a kind to the worker."""

    def __init__(self, worker: Worker, handler: AnyHandler) -> None:
        super().__init__(
            EntrypointExecutorParameters(func=_never, concurrency_limit=handler.kind.concurrency)
        )
        self._worker = worker
        self._handler = handler

    async def execute(self, job: models.Job, context: models.Context) -> None:
        """Run one attempt."""
        assert job.payload is not None
        try:
            await self._worker.run_job(UUID(bytes=job.payload), self._handler)
        except Exception:  # database unavailable; pgqueuer would log the error with the job's payload
            log.warning("job attempt not recorded", kind=self._handler.kind.name, exc_info=True)
