"""A subscriber of all events: it writes down each of them once, as a service that joins later would."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import Column, MetaData, Table, Text, Uuid, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

# Importing them registers their events.
from contracts import cockpit, identity, office  # noqa: F401
from contracts.base import EventModel, registry
from messaging.dead_letters import make_dead_letter_table
from messaging.envelope import Envelope
from messaging.inbox import Processor, Subscription, make_inbox_table
from messaging.rabbitmq import RabbitBus
from servicekit.db import Database

_METADATA: Final = MetaData()
_INBOX: Final = make_inbox_table(_METADATA)
_DEAD: Final = make_dead_letter_table(_METADATA)
_EVENTS: Final = Table(
    "events",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", JSONB, nullable=False),
)


@contextlib.asynccontextmanager
async def witnessing(url: str, broker: str) -> AsyncIterator[None]:
    """Write down every event in the table `events` of the database at `url`."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_METADATA.create_all)
    await engine.dispose()
    database, bus = Database(url, plans="force_custom_plan", pool_size=6), RabbitBus(broker)
    types: tuple[type[EventModel], ...] = tuple(registry.all())
    bus.subscribe(Subscription("chaos.witness", types, _write), Processor(database, _INBOX, _DEAD))
    await bus.start()
    try:
        yield
    finally:
        await bus.close()
        await database.close()


async def _write(session: AsyncSession, _: Any, envelope: Envelope) -> None:
    values = {name: getattr(envelope, name) for name in ("id", "source", "type", "data")}
    await session.execute(insert(_EVENTS).values(values))
