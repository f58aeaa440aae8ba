"""Prometheus metrics of the intake and of the cells, from what is stored."""

from prometheus_client import Gauge

from cockpit.cells.load_repository import LoadRepository
from cockpit.intake.repository import BatchRepository
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.metrics import Measure

RECEIVING = Gauge(
    "zhuxue_cockpit_batches_receiving", "Files that are being taken in", multiprocess_mode="mostrecent"
)
INTAKE_LAG = Gauge(
    "zhuxue_cockpit_intake_lag_seconds",
    "How long the oldest file that is being taken in has been",
    multiprocess_mode="mostrecent",
)
NEWEST = Gauge(
    "zhuxue_cockpit_newest_batch_timestamp_seconds",
    "When the newest batch that counts was committed",
    multiprocess_mode="mostrecent",
)
BEHIND = Gauge(
    "zhuxue_cockpit_cells_behind_seconds",
    "How long the oldest load that counts has been missing from the cells",
    multiprocess_mode="mostrecent",
)


def measuring(database: Database, clock: Clock) -> Measure:
    """Return what sets the gauges."""

    async def measure() -> None:
        async with database.transaction() as session:
            batches = BatchRepository(session)
            count, oldest = await batches.receiving()
            committed = await batches.newest_commit()
            behind = await LoadRepository(session).oldest_uncounted()
        now = clock.now()
        RECEIVING.set(count)
        INTAKE_LAG.set(0 if oldest is None else (now - oldest).total_seconds())
        NEWEST.set(0 if committed is None else committed.timestamp())
        BEHIND.set(0 if behind is None else (now - behind).total_seconds())

    return measure
