"""Wires a service to the bus in one call, so that every service does it the same way."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Table

from contracts import EventModel
from messaging.bus import Bus, Callback, DeadLetters
from messaging.inbox import Processor, Subscription
from messaging.inprocess import InProcessBus, OutboxDeadLetters
from messaging.outbox import Outbox
from messaging.rabbitmq import RabbitBus, RabbitDeadLetters
from messaging.relay import Relay
from servicekit.db import Database
from servicekit.settings import ServiceSettings


@dataclass(frozen=True)
class LocalListener:
    """A per-process listener: `callback(event)` for every event of `types`."""

    types: tuple[type[EventModel], ...]
    callback: Callback


@dataclass(frozen=True)
class Messaging:
    """What a service sends from and listens to."""

    database: Database
    outbox: Outbox
    inbox: Table
    subscriptions: Sequence[Subscription] = ()
    listeners: Sequence[LocalListener] = field(default=())

    def attach(self, bus: Bus) -> None:
        """Subscribe to `bus`. Call before the bus is started."""
        processor = Processor(self.database, self.inbox)
        for subscription in self.subscriptions:
            bus.subscribe(subscription, processor)
        for listener in self.listeners:
            bus.listen(listener.types, listener.callback)

    @contextlib.asynccontextmanager
    async def running(self, bus: Bus, *, own: bool) -> AsyncIterator[None]:
        """Relay this service's outbox to `bus` for as long as the context lasts.

        `own`: the bus serves this service alone and is started and closed with it; a shared bus is its
        owner's to start, once every service has attached.
        """
        if own:
            await bus.start()
        try:
            async with Relay(self.database, self.outbox, bus).running():
                yield
        finally:
            if own:
                await bus.close()


def make_bus(settings: ServiceSettings) -> Bus:
    """The bus a service uses on its own: RabbitMQ, or in-process when dev mode has no broker."""
    if settings.rabbitmq_url is None:
        return InProcessBus()
    return RabbitBus(settings.rabbitmq_url, settings.event_namespace)


def dead_letters_of(settings: ServiceSettings, database: Database, outbox: Outbox) -> DeadLetters:
    """The dead letters that the `dead-letters` command shows."""
    if settings.rabbitmq_url is None:
        return OutboxDeadLetters([(database, outbox)])
    return RabbitDeadLetters(settings.rabbitmq_url, settings.event_namespace)
