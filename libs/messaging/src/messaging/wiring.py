"""Connects a service to the bus in one call, so that every service does it the same way."""

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
    """A per-process listener: `callback(event)` for every event of `types`."""

    types: tuple[type[EventModel], ...]
    callback: Callback


class Messaging:
    """The outbox and the subscriptions of one service.

    Relay and consumers have a pool of connections of their own, `background`, with one for each event that
    can be handled at the same time: a burst of events never waits for requests, nor requests for it.
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
        """`concurrency`: events of one subscription that are handled at the same time."""
        # Each subscription also moves dead letters of the broker, one at a time; one more for the relay.
        self.background = database.separate(pool_size=len(subscriptions) * (concurrency + 1) + 1)
        self._outbox = tables.outbox
        self._processor = Processor(
            self.background, tables.inbox, tables.dead_letters, concurrency=concurrency
        )
        self._subscriptions = subscriptions
        self._listeners = listeners

    def attach(self, bus: Bus) -> None:
        """Subscribe to `bus`. Call before the bus is started."""
        for subscription in self._subscriptions:
            bus.subscribe(subscription, self._processor)
        for listener in self._listeners:
            bus.listen(listener.types, listener.callback)

    @contextlib.asynccontextmanager
    async def running(self, bus: Bus, *, own: bool) -> AsyncIterator[None]:
        """Relay this service's outbox to `bus` for as long as the context lasts.

        `own`: the bus serves this service alone and is started and closed with it; a shared bus is its
        owner's to start, once every service has attached.
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
    """The bus a service uses on its own: RabbitMQ, or in-process when dev mode has no broker."""
    if settings.rabbitmq_url is None:
        return InProcessBus()
    return RabbitBus(settings.rabbitmq_url, settings.event_namespace)
