"""Deadlines whose workdays have been published since, and tasks that are too old to keep."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from jobs.kinds import Periodic
from office.tasks.repository import TaskRepository
from office.tasks.service import Tasks
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import first_id

KEEP: Final = timedelta(days=2 * 365)
"""How long after its opening an ended task is kept. A task that is still open for somebody stays."""

_BATCH: Final = 2_000


class Upkeep:
    """What happens to tasks by itself."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def settle(self) -> None:
        """Compute provisional deadlines again, some at a time."""
        after: UUID | None = None
        more = True
        while more:
            async with self._database.transaction() as session:
                after = await Tasks(session, self._clock).settle(after)
            more = after is not None

    async def prune(self) -> int:
        """Delete tasks that ended and were opened more than two years ago; return their number.

        A task of a national notice has a share for each unit: they are deleted before it, some at a time.
        """
        before, deleted = first_id(self._clock.now() - KEEP), 0
        while True:
            async with self._database.transaction() as session:
                task_id = await TaskRepository(session).oldest_ended(before)
            if task_id is None:
                return deleted
            count = _BATCH
            while count == _BATCH:
                async with self._database.transaction() as session:
                    count = await TaskRepository(session).delete_shares(task_id, _BATCH)
            async with self._database.transaction() as session:
                await TaskRepository(session).delete(task_id)
            deleted += 1

    def tasks(self) -> list[Periodic]:
        """Return the periodic tasks."""
        return [
            Periodic("office.tasks.settle", self.settle, cron="40 3 * * *"),
            Periodic("office.tasks.prune", self.prune, cron="50 3 * * *"),
        ]
