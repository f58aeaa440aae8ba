"""Connects a service to the bus."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from contracts import EventModel
from messaging.bus import Bus, Callback
from messaging.inbox import Processor, Subscription
from messaging.inprocess import InProcessBus
from messaging.rabbitmq import RabbitBus
from messaging.relay import Relay
from messaging.tables import ServiceTables
from servicekit.db import Database
from servicekit.settings import ServiceSettings


@dataclass(frozen=True)
class LocalListener:
    """A per-process listener: `callback(event)` for every event of `types`.

    `at_commit`: it hears an event that its own process publishes right after the commit, and again from the
    bus. A request that follows in the same process then finds the effect; the callback must not raise.
    """

    types: tuple[type[EventModel], ...]
    callback: Callback
    at_commit: bool = False


class Messaging:
    """The outbox and the subscriptions of one service.

    Relay and consumers use a separate connection pool, `background`, with one connection for each concurrent
    event, so that a burst of events and requests never wait for each other's connections.
    """

    def __init__(
        self,
        database: Database,
        tables: ServiceTables,
        *,
        subscriptions: Sequence[Subscription] = (),
        listeners: Sequence[LocalListener] = (),
        concurrency: int = 4,
    ) -> None:
        """Create relay and consumers; `concurrency` is the number of concurrent events per subscription."""
        # Each subscription also moves the broker's dead letters, one at a time; one more for the relay.
        self.background = database.separate(pool_size=len(subscriptions) * (concurrency + 1) + 1)
        self._outbox = tables.outbox
        self._processor = Processor(
            self.background, tables.inbox, tables.dead_letters, concurrency=concurrency
        )
        self._subscriptions = subscriptions
        self._listeners = listeners
        database.listeners.append(self._hear)

    def attach(self, bus: Bus) -> None:
        """Subscribe to `bus`. Call before the bus is started."""
        for subscription in self._subscriptions:
            bus.subscribe(subscription, self._processor)
        for listener in self._listeners:
            bus.listen(listener.types, listener.callback)

    def _hear(self, message: object) -> None:
        for listener in self._listeners:
            if listener.at_commit and isinstance(message, listener.types):
                listener.callback(message)

    @contextlib.asynccontextmanager
    async def running(self, bus: Bus, *, own: bool) -> AsyncIterator[None]:
        """Relay this service's outbox to `bus` until the context exits.

        `own`: the bus serves only this service, and is started and closed with it. The owner of a shared bus
        starts it after every service has attached.
        """
        try:
            if own:
                await bus.start()
            async with Relay(self.background, self._outbox, bus).running():
                yield
        finally:
            if own:
                await bus.close()
            await self.background.close()


def make_bus(settings: ServiceSettings) -> Bus:
    """Create the bus of a single service: RabbitMQ, or in-process in dev mode without a broker."""
    if settings.rabbitmq_url is None:
        return InProcessBus()
    return RabbitBus(settings.rabbitmq_url, settings.event_namespace)
