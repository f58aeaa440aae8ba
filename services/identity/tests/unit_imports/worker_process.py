"""A worker that imports in small batches and says so; the test kills it. `worker_process.py URL`."""

import asyncio
import sys
from typing import Any

from filekit import csv_rows
from identity.base import tables
from identity.unit_imports import jobs
from identity.unit_imports.applying import Batch
from identity.unit_imports.repository import ImportRepository
from jobs.worker import Pace, Worker
from servicekit.clock import SystemClock
from servicekit.db import Database

PACE = Pace(heartbeat=2.0, poll=0.2, grace=0.1)
STEP = 1_000


def loud(owner: Any, name: str, word: str) -> None:
    """Let a method print a word when its work is done, and wait a little: the transaction is still open."""
    original = getattr(owner, name)

    async def call(*arguments: Any) -> Any:
        result = await original(*arguments)
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.02)
        return result

    setattr(owner, name, call)


async def main() -> None:
    """Run until killed."""
    for module, name in ((csv_rows, "STEP_ROWS"), (jobs, "CHUNK")):
        setattr(module, name, STEP)
    loud(ImportRepository, "copy_rows", "read")
    loud(Batch, "apply", "applied")
    database = Database(sys.argv[1], plans="force_generic_plan")
    handlers = jobs.handlers(database, SystemClock(), 300)
    async with Worker("identity", database, tables.jobs, handlers=handlers, pace=PACE).running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
