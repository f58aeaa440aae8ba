"""Partitioning of receipts and answers by the year in which their notice was drafted."""

from datetime import timedelta

from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.partitions import ByYear, maintain

RECEIPTS = tuple(
    # Archived and dropped by operators.
    ByYear(table, "notice_id", keep=None, ids=True)
    for table in ("signatures", "reads", "answers", "answer_revisions")
)
"""The partitioned tables. Their keys begin with the notice's id, which contains the time."""


def task(database: Database, clock: Clock) -> Periodic:
    """Return the periodic task that creates the partitions of this and the next year."""

    async def run() -> None:
        await maintain(database, RECEIPTS, clock.now())

    return Periodic("office.partitions", run, every=timedelta(hours=1))
