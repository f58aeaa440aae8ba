"""The inbox: the id of an event and its effect are one transaction, so an event has one effect.

Rows are deleted after a month, by the periodic task of `messaging.pruning`: no event is redelivered so late.
"""

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
        """The event types by their names on the wire."""
        return [model.type for model in self.types]


def make_inbox_table(metadata: MetaData) -> Table:
    """The inbox table, for a service's own metadata and migration."""
    return Table(
        "inbox",
        metadata,
        Column("queue", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("handled_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )


class Processor:
    """Applies events to one service's database, each once.

    `concurrency` bounds how many events of one subscription a process handles at the same time; each
    holds one connection of `database`, and none between two attempts.
    """

    def __init__(
        self, database: Database, inbox: Table, dead_letters: Table, *, concurrency: int = 4
    ) -> None:
        self.concurrency = concurrency
        self._database = database
        self._inbox = inbox
        self._dead_letters = dead_letters

    async def process(self, subscription: Subscription, envelope: Envelope) -> bool:
        """Handle `envelope` unless it has been handled before; returns whether it was new.

        Raises the handler's error, with nothing written.
        """
        with bound_contextvars(correlation_id=envelope.correlationid, event_id=str(envelope.id)):
            event = envelope.event()
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
                return True

    async def give_up(self, queue: str, message: bytes, error: str, attempts: int) -> None:
        """Make `message` a dead letter of `queue`. Once this returns, the message may be acknowledged."""
        async with self._database.transaction() as session:
            event_id = await dead_letters.record(
                session, self._dead_letters, queue=queue, message=message, error=error, attempts=attempts
            )
        DEAD.labels(queue).inc()
        log.error("dead letter", queue=queue, event_id=str(event_id), error=error)
