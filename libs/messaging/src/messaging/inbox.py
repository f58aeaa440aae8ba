"""The inbox: the id of an event and its effect are written in one transaction, so it has one effect.

The periodic task of `messaging.pruning` deletes rows after a month; no event is redelivered that late.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from contracts import EventModel
from messaging import dead_letters
from messaging.envelope import Envelope
from servicekit.db import Database
from servicekit.tracing import continued

log = structlog.get_logger("bus")

Handler = Callable[[AsyncSession, Any, Envelope], Awaitable[None]]

DEAD = Counter("zhuxue_dead_letters_total", "Events that a subscription has given up on", ("queue",))


@dataclass(frozen=True)
class Subscription:
    """A named queue of a service, the event types in it, and the handler of each event.

    `handler(session, event, envelope)` writes through `session` and never commits.
    """

    queue: str
    types: tuple[type[EventModel], ...]
    handler: Handler

    @property
    def wire_types(self) -> list[str]:
        """Return the event types by wire name."""
        return [model.type for model in self.types]


def make_inbox_table(metadata: MetaData) -> Table:
    """Declare the inbox table in the metadata of a service."""
    return Table(
        "inbox",
        metadata,
        Column("queue", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("handled_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )


class Processor:
    """Applies each event once to one service's database.

    `concurrency` limits the concurrent events of one subscription in a process. Each uses one connection
    of `database` during an attempt.
    """

    def __init__(
        self, database: Database, inbox: Table, dead_letters: Table, *, concurrency: int = 4
    ) -> None:
        self.concurrency = concurrency
        self._database = database
        self._inbox = inbox
        self._dead_letters = dead_letters

    async def process(self, subscription: Subscription, envelope: Envelope) -> bool:
        """Process `envelope` unless it was processed before; return whether it was new.

        Raises the handler's error and writes nothing then.
        """
        with (
            bound_contextvars(correlation_id=envelope.correlationid, event_id=str(envelope.id)),
            continued(envelope.traceparent) as span,
        ):
            event = envelope.event()
            began = time.perf_counter()
            async with self._database.transaction() as session:
                claimed = await session.execute(
                    insert(self._inbox)
                    .values(queue=subscription.queue, event_id=envelope.id)
                    .on_conflict_do_nothing()
                    .returning(self._inbox.c.event_id)
                )
                if claimed.first() is None:
                    return False
                await subscription.handler(session, event, envelope)
            log.info(
                "event",
                queue=subscription.queue,
                type=envelope.type,
                ms=round((time.perf_counter() - began) * 1000, 1),
                parent_id=span.parent_id,
            )
            return True

    async def give_up(self, queue: str, message: bytes, error: str, attempts: int) -> None:
        """Store `message` as a dead letter of `queue`. The caller may acknowledge it afterwards."""
        async with self._database.transaction() as session:
            event_id = await dead_letters.record(
                session, self._dead_letters, queue=queue, message=message, error=error, attempts=attempts
            )
        DEAD.labels(queue).inc()
        log.error("dead letter", queue=queue, event_id=str(event_id), error=error)
