"""A worker that reminds in small batches and says so; the test kills it. `reminder_worker.py URL NOW`."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from jobs.kinds import Periodic
from jobs.worker import Pace, Worker
from office.base import tables
from office.reminders import jobs
from office.reminders.jobs import Reminding
from servicekit import logs
from servicekit.db import Database
from testkit.clock import FrozenClock

PACE = Pace(heartbeat=2.0, poll=0.2, grace=0.1)
BATCH = 10


class Loud(Reminding):
    """Says when a batch is written and not committed, and leaves time to kill it."""

    async def _remind(self, session: Any, run: Any, notice: Any, page: Sequence[Any]) -> None:
        await super()._remind(session, run, notice, page)
        await session.flush()
        sys.stdout.write("reminded\n")
        sys.stdout.flush()
        await asyncio.sleep(0.1)


async def main(url: str, now: str) -> None:
    """Run until killed."""
    logs.configure(json=True, level="CRITICAL")
    jobs._BATCH = BATCH  # type: ignore[misc]
    database = Database(url, plans="force_custom_plan")
    reminding = Loud(database, FrozenClock(datetime.fromisoformat(now)))
    schedule = Periodic("office.reminders.schedule", reminding.schedule, every=timedelta(seconds=1))
    handlers = [reminding.handler()]
    worker = Worker("office", database, tables.jobs, handlers=handlers, periodic=[schedule], pace=PACE)
    async with worker.running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
