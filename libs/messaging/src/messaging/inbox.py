"""The inbox: the id of an event and its effect are one transaction, so an event has one effect.

Rows are deleted after a month, by the periodic task of `messaging.pruning`: no event is redelivered so late.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from contracts import EventModel
from messaging.envelope import Envelope
from servicekit.db import Database

Handler = Callable[[AsyncSession, Any, Envelope], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """A named queue of a service, the event types in it, and what to do with each of them.

    `handler(session, event, envelope)` writes through `session` and never commits.
    """

    queue: str
    types: tuple[type[EventModel], ...]
    handler: Handler

    @property
    def wire_types(self) -> list[str]:
        """The event types as they stand on the wire."""
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
    """Applies events to one service's database, each once."""

    def __init__(self, database: Database, inbox: Table) -> None:
        self._database = database
        self._inbox = inbox

    async def process(self, subscription: Subscription, envelope: Envelope) -> bool:
        """Handle `envelope` unless it has been handled before; returns whether it was new.

        Raises whatever the handler raises, with nothing written.
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
