"""A worker that rotates keys slowly; the test kills it. `worker_process.py URL`."""

import asyncio
import sys

from identity.app import make_vault
from identity.base import tables
from identity.encryption.jobs import ROTATE, KeyRotation, Position, Rotation
from jobs.job import Job
from jobs.kinds import Handler
from jobs.worker import Pace, Worker
from servicekit.clock import SystemClock
from servicekit.db import Database
from services.identity.tests.support.running_identity import settings_for

PACE = Pace(heartbeat=2.0, poll=0.2, grace=0.1)
KEYS = {
    "encryption_key": "2:" + "e2" * 32,
    "other_encryption_key": "e1" * 32,
    "index_key": "2:" + "2d" * 32,
    "other_index_key": "1d" * 32,
}


class Slow(KeyRotation):
    """Prints a line after each batch."""

    async def _step(self, job: Job[Rotation], at: Position, total: int) -> Position:
        following = await super()._step(job, at, total)
        sys.stdout.write(f"{following.number} {following.done}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.05)
        return following


def worker(url: str, rotation: type[KeyRotation] = KeyRotation, keys: dict[str, str] = KEYS) -> Worker:
    """Return a worker of the deployment with both keys."""
    database = Database(url, plans="force_custom_plan")
    vault = make_vault(settings_for(url, **keys))
    handler = Handler(ROTATE, rotation(vault, SystemClock(), batch=20).run)
    return Worker("identity", database, tables.jobs, handlers=[handler], pace=PACE)


async def main() -> None:
    """Run until killed."""
    async with worker(sys.argv[1], Slow).running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
