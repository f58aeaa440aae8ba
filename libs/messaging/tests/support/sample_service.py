"""A small service for the messaging tests: a change, its event, and the effect of the event.

Also a program: `python sample_service.py ACTION DATABASE_URL RABBITMQ_URL NAMESPACE` is a process that is
killed at the worst moment (see `test_crash.py`).
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Column, Text, Uuid, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import Table

from contracts.cockpit import BatchCommittedV1
from messaging.bus import Bus, Failure
from messaging.dead_letters import DeadLetter, DeadLetters
from messaging.envelope import Envelope
from messaging.inbox import Processor, Subscription
from messaging.inprocess import InProcessBus
from messaging.rabbitmq import RabbitBus
from messaging.relay import Relay
from messaging.tables import ServiceTables
from messaging.wiring import LocalListener, Messaging
from servicekit.db import Database, new_metadata
from servicekit.ids import new_id
from servicekit.retry import RetryPolicy

Kind = Literal["rabbitmq", "inprocess"]
QUICK = RetryPolicy(limit=3, base=0.02, cap=0.1)


class Base(DeclarativeBase):
    metadata = new_metadata()


class Change(Base):
    __tablename__ = "changes"

    id: Mapped[UUID] = mapped_column(primary_key=True)


tables = ServiceTables.of(Base, "sample")
outbox, inbox, dead_letters = tables.outbox, tables.inbox, tables.dead_letters
# Deliberately without a constraint that would hide a second effect.
effects = Table(
    "effects", Base.metadata, Column("queue", Text), Column("event_id", Uuid), Column("note", Text)
)


async def create_tables(url: str) -> None:
    """The migration of the service."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


def committed(feed: str = "awards", accepted: int = 1) -> BatchCommittedV1:
    """Some event; `feed` and `accepted` are free for the test's use."""
    return BatchCommittedV1(
        batch_id=new_id(), feed=feed, accepted=accepted, rejected=0, committed_at=datetime.now(UTC)
    )


def record(session: AsyncSession, event: BatchCommittedV1) -> UUID:
    """The change and its event, in the caller's transaction."""
    session.add(Change(id=event.batch_id))
    return outbox.add(session, event, subject=event.batch_id, sequence=1)


async def take_effect(session: AsyncSession, queue: str, envelope: Envelope, note: str = "") -> None:
    """The effect of an event on its consumer."""
    await session.execute(insert(effects).values(queue=queue, event_id=envelope.id, note=note))


def subscription(
    queue: str = "sample.effects",
    before: Callable[[BatchCommittedV1], Awaitable[None] | None] | None = None,
    types: tuple[type[Any], ...] = (BatchCommittedV1,),
) -> Subscription:
    """A queue whose handler writes its effect and then calls `before(event)`, which may fail it."""

    async def handle(session: AsyncSession, event: BatchCommittedV1, envelope: Envelope) -> None:
        await take_effect(session, queue, envelope)
        if before is not None and (waiting := before(event)) is not None:
            await waiting

    return Subscription(queue, types, handle)


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = 15.0) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.02)


class SampleService:
    """One service on one kind of bus."""

    def __init__(self, kind: Kind, database_url: str, rabbitmq_url: str, namespace: str) -> None:
        self.kind = kind
        self.database_url = database_url
        self.rabbitmq_url = rabbitmq_url
        self.namespace = namespace
        self.database = Database(database_url, plans="force_custom_plan", pool_size=4)

    def new_bus(self) -> Bus:
        """A bus of this kind that retries quickly."""
        if self.kind == "rabbitmq":
            return RabbitBus(self.rabbitmq_url, self.namespace, QUICK)
        return InProcessBus(QUICK)

    @property
    def dead_letters(self) -> DeadLetters:
        """The operator's view."""
        return DeadLetters(self.database, dead_letters, outbox)

    def processor(self) -> Processor:
        """Applies events to this database."""
        return Processor(self.database, inbox, dead_letters)

    @contextlib.asynccontextmanager
    async def running(
        self,
        *subscriptions: Subscription,
        listeners: Sequence[LocalListener] = (),
        bus: Bus | None = None,
        concurrency: int = 4,
    ) -> AsyncIterator[Bus]:
        """Relay and consume, as a service does."""
        bus = bus or self.new_bus()
        messaging = Messaging(
            self.database,
            tables,
            subscriptions=subscriptions,
            listeners=listeners,
            concurrency=concurrency,
        )
        messaging.attach(bus)
        async with messaging.running(bus, own=True):
            yield bus

    async def publish(self, *events: BatchCommittedV1) -> list[UUID]:
        """Commit a change per event; returns the event ids."""
        async with self.database.transaction() as session:
            return [record(session, event) for event in events]

    async def publish_poison(self) -> UUID:
        """Commit an event whose data no release can understand."""
        async with self.database.transaction() as session:
            id_ = record(session, committed())
            await session.flush()
            row = await session.scalar(select(outbox.row).where(outbox.row.id == id_))
            assert row is not None
            row.data = {"feed": ["not", "a", "batch"]}
            return id_

    async def effects(self, queue: str = "sample.effects") -> list[UUID]:
        """The event ids that had an effect, once per effect."""
        async with self.database.transaction() as session:
            return list(await session.scalars(select(effects.c.event_id).where(effects.c.queue == queue)))

    async def count(self, table: Any) -> int:
        """The number of rows."""
        async with self.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0

    async def has_effects(self, *ids: UUID, queue: str = "sample.effects", seconds: float = 15.0) -> None:
        """Wait until each of `ids` has had its effect; fail if any had two."""

        async def all_there() -> bool:
            return set(ids) <= set(await self.effects(queue))

        await eventually(all_there, seconds)
        found = await self.effects(queue)
        assert len(found) == len(set(found)), "an event had two effects"

    async def relayed(self) -> None:
        """Wait until no event is under way any more."""

        async def none_due() -> bool:
            async with self.database.transaction() as session:
                return not await session.scalar(select(func.count()).select_from(outbox.row))

        await eventually(none_due)

    async def dead(self, queue: str = "sample.effects", count: int = 1) -> list[DeadLetter]:
        """Wait until `queue` has `count` dead letters, and return them."""

        async def enough() -> bool:
            return len(await self.dead_letters.list(queue)) >= count

        await eventually(enough)
        found = await self.dead_letters.list(queue)
        assert len(found) == count
        return found


# --- the process that dies ---


def die() -> None:
    """End as by a power failure: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


class DiesAfterPublishing:
    """A bus that publishes, and then dies before the relay can delete the rows."""

    def __init__(self, inner: Bus) -> None:
        self.inner = inner
        self.policy = inner.policy

    async def publish(self, envelopes: Sequence[Envelope], queue: str | None = None) -> list[Failure | None]:
        outcome = await self.inner.publish(envelopes, queue)
        assert outcome == [None] * len(envelopes)
        die()
        return outcome


class DiesAfterEffect(Processor):
    """A processor that commits the effect and dies before the message is acknowledged."""

    async def process(self, subscription: Subscription, envelope: Envelope) -> bool:
        assert await super().process(subscription, envelope)
        die()
        return True


async def commit_and_die(service: SampleService) -> None:
    """Die as soon as the change and its event are committed, with the relay ready to run."""
    async with service.running(subscription()):
        await service.publish(committed(), committed())
        die()


async def die_before_commit(service: SampleService) -> None:
    """Die with the change and its event written but not committed."""
    async with service.running(subscription()), service.database.transaction() as session:
        record(session, committed())
        await session.flush()
        die()


async def publish_and_die(service: SampleService) -> None:
    """Die between the broker's confirm and the deletion of the outbox row."""
    bus = service.new_bus()
    bus.subscribe(subscription(), service.processor())
    await bus.start()
    await service.publish(committed())
    await Relay(service.database, outbox, DiesAfterPublishing(bus)).drain_once()  # type: ignore[arg-type]


async def consume_and_die(service: SampleService) -> None:
    """Die between the effect of a message and its acknowledgement."""
    bus = service.new_bus()
    bus.subscribe(subscription(), DiesAfterEffect(service.database, inbox, dead_letters))
    await bus.start()
    await asyncio.sleep(30)


ACTIONS = {
    action.__name__: action
    for action in (commit_and_die, die_before_commit, publish_and_die, consume_and_die)
}

if __name__ == "__main__":
    _action, _kind, *_where = sys.argv[1:]
    asyncio.run(ACTIONS[_action](SampleService(_kind, *_where)))  # type: ignore[arg-type]
