"""Prometheus metrics of what a service has stored for the bus: its outbox and its dead letters."""

from prometheus_client import Gauge
from sqlalchemy import func, literal, select

from messaging.tables import ServiceTables
from servicekit.db import Database
from servicekit.metrics import Measure

MOST = 10_000
"""Events that are counted. While the broker is out, there may be millions."""

EVENTS = Gauge(
    "zhuxue_outbox_events",
    f"Events that wait for the broker, {MOST} at most",
    ["service"],
    multiprocess_mode="mostrecent",
)
OLDEST = Gauge(
    "zhuxue_outbox_oldest_seconds",
    "How long the oldest event has waited for the broker",
    ["service"],
    multiprocess_mode="mostrecent",
)
DEAD = Gauge(
    "zhuxue_dead_letters_kept",
    f"Events that are put aside until somebody replays or drops them, {MOST} at most",
    ["service"],
    multiprocess_mode="mostrecent",
)


def measuring(service: str, database: Database, tables: ServiceTables) -> Measure:
    """Return what sets the gauges of a service."""
    row, kept = tables.outbox.row, select(literal(1)).select_from(tables.dead_letters).limit(MOST).subquery()
    waiting = select(row.created_at).where(row.dead_at.is_(None)).order_by(row.seq)

    async def measure() -> None:
        some = waiting.limit(MOST).subquery()
        async with database.transaction() as session:
            events, seconds = (
                await session.execute(
                    select(
                        func.count(),
                        func.coalesce(func.extract("epoch", func.now() - func.min(some.c.created_at)), 0),
                    ).select_from(some)
                )
            ).one()
            letters = await session.scalar(select(func.count()).select_from(kept))
        EVENTS.labels(service).set(events)
        OLDEST.labels(service).set(max(0.0, float(seconds)))
        DEAD.labels(service).set(letters or 0)

    return measure
