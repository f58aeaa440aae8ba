"""The schedule of periodic tasks: the first worker that finds a task due enqueues its run, once."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from jobs.kinds import NoPayload, Periodic
from jobs.metrics import LAST_SUCCESS, SKIPPED
from jobs.queue import JobQueue
from servicekit.db import Database

log = structlog.get_logger("jobs")

# Maximum delay until a change of the schedule by another process takes effect.
_LOOK_SECONDS = 30.0


class Schedule:
    """The periodic tasks of one service."""

    def __init__(self, service: str, database: Database, queue: JobQueue, tasks: Sequence[Periodic]) -> None:
        self._service = service
        self._database = database
        self._queue = queue
        self._tasks = {task.name: task for task in tasks}
        self._declared = False

    async def look(self) -> float:
        """Enqueue the runs that are due; return the seconds until the next call.

        The next due time of the task and the job of this run are written in one transaction, so that a crash
        loses neither and two workers never enqueue the same run.
        """
        if not self._tasks:
            return _LOOK_SECONDS
        if not self._declared:
            await self._declare()
            self._declared = True
        table = self._queue.periodic
        async with self._database.transaction() as session:
            due = await session.scalars(
                select(table.c.name)
                .where(table.c.name.in_(self._tasks), table.c.next_run_at <= func.now())
                .order_by(table.c.name)
                .with_for_update(skip_locked=True)
            )
            now = datetime.now(UTC)
            for name in due.all():
                task = self._tasks[name]
                await session.execute(
                    update(table).where(table.c.name == name).values(next_run_at=task.next_after(now))
                )
                if await self._queue.is_pending(session, name):
                    SKIPPED.labels(self._service, name).inc()
                    log.warning("periodic task still running", task=name)
                else:
                    await self._queue.enqueue(session, task.handler().kind, NoPayload())
        return await self._wait()

    async def _declare(self) -> None:
        table, now = self._queue.periodic, datetime.now(UTC)
        async with self._database.transaction() as session:
            for task in sorted(self._tasks.values(), key=lambda task: task.name):
                statement = insert(table).values(
                    name=task.name,
                    schedule=task.schedule,
                    next_run_at=func.now() if task.at_start else task.next_after(now),
                )
                await session.execute(
                    statement.on_conflict_do_update(
                        index_elements=["name"],
                        set_={
                            "schedule": statement.excluded.schedule,
                            # If the interval has become shorter, the earlier due time applies.
                            "next_run_at": func.least(table.c.next_run_at, statement.excluded.next_run_at),
                        },
                        where=table.c.schedule != statement.excluded.schedule,
                    )
                )

    async def _wait(self) -> float:
        table = self._queue.periodic
        async with self._database.transaction() as session:
            rows = (
                await session.execute(
                    select(
                        table.c.name,
                        # Without the other, a task that has never succeeded would never be late.
                        func.coalesce(table.c.last_success_at, table.c.declared_at).label("since"),
                        func.extract("epoch", table.c.next_run_at - func.now()).label("seconds"),
                    ).where(table.c.name.in_(self._tasks))
                )
            ).all()
        for row in rows:
            LAST_SUCCESS.labels(self._service, row.name).set(row.since.timestamp())
        return min([_LOOK_SECONDS, *(max(0.05, float(row.seconds)) for row in rows)])
