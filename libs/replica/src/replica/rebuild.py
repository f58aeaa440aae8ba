"""The rebuild of a replica from Identity's snapshot, as a job.

Pages are read outside of any transaction and copied into a staging table, each in the transaction of its
checkpoint, so that the job resumes from the last page after a failure. The last transaction swaps in all rows
at once; see `staging`. Until then, readers see the old state.
"""

from datetime import datetime, timedelta
from typing import Literal

import structlog
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import RoleChangedV1
from jobs.job import Job
from jobs.kinds import Kind
from replica.snapshot import Reader, Snapshot
from replica.staging import Staging
from servicekit.retry import RetryPolicy

log = structlog.get_logger("replica")


class Rebuild(BaseModel):
    """The expected numbers of rows, if known; used only for the progress."""

    units: int | None = None
    people: int | None = None


class Position(BaseModel):
    """The checkpoint of a rebuild; `begun_at` is its start by the database's clock."""

    stage: Literal["units", "people", "swap", "done"] = "units"
    cursor: str | None = None
    units: int = 0
    people: int = 0
    begun_at: datetime


class Rebuilt(BaseModel):
    """The result of a rebuild."""

    units: int
    people: int


# Identity may be unavailable for hours, so the job is retried every few seconds at first, then once a minute
# for a day. One rebuild runs at a time: a load announced during a rebuild is read by the next one.
REBUILD = Kind(
    "replica.rebuild",
    Rebuild,
    retry=RetryPolicy(limit=1500, base=0.5, cap=60, factor=1.5),
    concurrency=1,
    stall=timedelta(minutes=30),
)
DEDUPE_KEY = "replica"


class Rebuilder:
    """The handler of `REBUILD`."""

    def __init__(self, snapshot: Snapshot, staging: Staging) -> None:
        self._snapshot = snapshot
        self._staging = staging

    async def run(self, job: Job[Rebuild]) -> Rebuilt:
        """Read the rest of the snapshot, then swap it in."""
        position = job.resume(Position) or await self._begin(job)
        async with self._snapshot.reading() as reader:
            while position.stage in ("units", "people"):
                position = await self._read_page(job, reader, position)
            if position.stage == "swap":
                position = await self._swap(job, reader, position)
        async with job.transaction() as session:
            await self._staging.analyze(session)
        log.info("replica rebuilt", units=position.units, people=position.people)
        return Rebuilt(units=position.units, people=position.people)

    async def _begin(self, job: Job[Rebuild]) -> Position:
        async with job.transaction() as session:
            position = Position(begun_at=(await session.execute(select(func.now()))).scalar_one())
            await self._staging.clear(session)
            await self._checkpoint(job, session, position)
        return position

    async def _read_page(self, job: Job[Rebuild], reader: Reader, position: Position) -> Position:
        if position.stage == "units":
            units = await reader.units(position.cursor)
            following, rows = units.next, self._staging.unit_rows(units.items)
        else:
            people = await reader.people(position.cursor)
            following, rows = people.next, self._staging.person_rows(people.items)
        reached = position.model_copy(
            update={"cursor": following, position.stage: getattr(position, position.stage) + len(rows)}
        )
        if following is None:
            reached.stage = "people" if position.stage == "units" and self._staging.keeps_people else "swap"
        async with job.transaction() as session:
            await self._checkpoint(job, session, reached)
            await self._staging.copy(session, rows)
        return reached

    async def _swap(self, job: Job[Rebuild], reader: Reader, position: Position) -> Position:
        roles = await _all_roles(reader) if self._staging.keeps_roles else []
        reached = position.model_copy(update={"stage": "done"})
        async with job.transaction() as session:
            await self._staging.swap(session, position.begun_at)
            await self._staging.put_roles(session, roles)
            await self._checkpoint(job, session, reached)
        return reached

    async def _checkpoint(self, job: Job[Rebuild], session: AsyncSession, position: Position) -> None:
        wanted = job.payload
        total = (
            None
            if wanted.units is None
            else wanted.units + (wanted.people or 0 if self._staging.keeps_people else 0)
        )
        people = f"、人员 {position.people}" if self._staging.keeps_people else ""
        await job.checkpoint(
            session,
            position,
            done=position.units + position.people,
            total=total,
            message=f"已读取单位 {position.units}{people}",
        )


async def _all_roles(reader: Reader) -> list[RoleChangedV1]:
    roles, cursor = list[RoleChangedV1](), None
    while True:
        page = await reader.roles(cursor)
        roles += page.items
        if (cursor := page.next) is None:
            return roles
