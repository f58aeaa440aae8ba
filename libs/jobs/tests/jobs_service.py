"""A service in miniature with jobs.

Also a program: `python jobs_service.py DATABASE_URL` is a worker process that a test kills.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

from alembic.migration import MigrationContext
from alembic.operations import Operations
from pydantic import BaseModel
from sqlalchemy import Column, Connection, Integer, Table, Text, insert, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase

from jobs import migrations
from jobs.job import Job
from jobs.kinds import AnyHandler, Handler, Kind, Periodic
from jobs.queue import JobQueue, JobView
from jobs.worker import Pace, Worker
from servicekit.db import Database, new_metadata
from servicekit.retry import RetryPolicy

T = TypeVar("T")

QUICK = RetryPolicy(limit=3, base=0.02)
PACE = Pace(heartbeat=2.0, poll=0.2, grace=1.0)


class Base(DeclarativeBase):
    metadata = new_metadata()


queue = JobQueue(Base.metadata)
# Deliberately without a constraint that would hide a repeated effect.
effects = Table("effects", Base.metadata, Column("job", Text), Column("page", Integer))


class Import(BaseModel):
    """The payload: how many pages, each with an effect."""

    pages: int = 1


class Position(BaseModel):
    """The checkpoint: the next page."""

    page: int


class Imported(BaseModel):
    """The result."""

    pages: int


IMPORT = Kind("import", Import, retry=QUICK)
SERIAL = Kind("serial", Import, retry=QUICK, concurrency=1)


async def create_tables(url: str) -> None:
    """The migration of the service."""

    def create(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migrations.create_v1()
            migrations.upgrade_v2()
        effects.create(connection)

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(create)
    await engine.dispose()


class Pages:
    """The handler of `IMPORT`: one transaction per page. `before(page)` may wait or fail."""

    def __init__(self, before: Callable[[int], Awaitable[None]] | None = None) -> None:
        self._before = before

    async def run(self, job: Job[Import]) -> Imported:
        position = job.resume(Position)
        for page in range(0 if position is None else position.page, job.payload.pages):
            if self._before is not None:
                await self._before(page)
            async with job.transaction() as session:
                await session.execute(insert(effects).values(job=str(job.id), page=page))
                await job.checkpoint(
                    session,
                    Position(page=page + 1),
                    done=page + 1,
                    total=job.payload.pages,
                    message=f"已导入 {page + 1} 页",
                )
        return Imported(pages=job.payload.pages)


class Service:
    """Queue, database and what a test asks of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url, pool_size=5, plans="force_custom_plan")

    @asynccontextmanager
    async def worker(
        self,
        *handlers: AnyHandler,
        periodic: tuple[Periodic, ...] = (),
        pace: Pace = PACE,
        database: Database | None = None,
    ) -> AsyncIterator[Worker]:
        """A worker in this process."""
        worker = Worker(
            "shop", database or self.database, queue, handlers=handlers, periodic=periodic, pace=pace
        )
        async with worker.running():
            yield worker

    async def enqueue(self, kind: Kind[Import], pages: int = 1, dedupe_key: str | None = None) -> JobView:
        async with self.database.transaction() as session:
            enqueued = await queue.enqueue(session, kind, Import(pages=pages), dedupe_key=dedupe_key)
        return await self.view(enqueued.id)

    async def view(self, job_id: UUID) -> JobView:
        async with self.database.transaction() as session:
            view = await queue.get(session, job_id)
        assert view is not None
        return view

    async def until(self, job: JobView, *states: str, seconds: float = 20) -> JobView:
        """The job once it is in one of these states."""

        async def there() -> JobView | None:
            view = await self.view(job.id)
            return view if view.state in states else None

        return await eventually(there, seconds)

    async def pages(self, job: JobView) -> list[int]:
        """The effects of a job, in order."""
        async with self.database.transaction() as session:
            return list(
                await session.scalars(
                    select(effects.c.page).where(effects.c.job == str(job.id)).order_by(effects.c.page)
                )
            )


async def eventually(condition: Callable[[], Awaitable[T | None]], seconds: float = 20) -> T:
    """Wait until `condition` holds, and return what it returned."""
    deadline = time.monotonic() + seconds
    while not (value := await condition()):
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.02)
    return value


async def main(url: str) -> None:
    """Work until killed. Page 2 never ends here."""
    service = Service(url)

    async def before(page: int) -> None:
        if page == 2:
            sys.stdout.write("page 2\n")
            sys.stdout.flush()
            await asyncio.Event().wait()

    async with service.worker(Handler(IMPORT, Pages(before).run)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
