"""The bus of compose and production: RabbitMQ topic exchange, quorum queues, publisher confirms.

Topology, all durable, below a namespace (`zhuxue` unless tests isolate themselves):

- `<ns>.events`: topic exchange, routing key = event type.
- `<ns>.<queue>`: one quorum queue per subscription.
- `<ns>.retry.<milliseconds>`: for each delay of the retry policy a fanout exchange and a queue without
  consumers. When a message expires there, the broker returns it to the queue that its routing key names.
- `<ns>.dead`, `<ns>.<queue>.dead.v2`: the broker moves a message there that exceeds the delivery limit of its
queue. The service moves these messages to its table of dead letters.

Brokers count deliveries differently (3.10 to 4.2 count `basic.nack`, 4.3 does not; 4.0 and later have a
default limit of 20), so this module does not depend on it: a header counts failed attempts, and the consumer
dead-letters a message that repeatedly kills its process before the broker would.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import aio_pika
import structlog
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import (
    AbstractChannel,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
    AbstractRobustConnection,
)
from aio_pika.exceptions import ChannelNotFoundEntity

from contracts import EventModel
from messaging.bus import POISON, Callback, Failure
from messaging.envelope import Envelope
from messaging.inbox import Processor, Subscription
from servicekit.retry import RetryPolicy

log = structlog.get_logger("bus")

_CONTENT_TYPE = "application/cloudevents+json"
_ATTEMPTS = "x-attempts"
_ERROR = "x-error"
# A killed process cannot count its attempt; every broker version counts a delivery that the end of the
# connection interrupted.
_CRASHES = 10
# Never reached, because the consumer stops at `_CRASHES`.
_DELIVERY_LIMIT = 20
# In effect no limit. Only 4.0 and later accept -1.
_UNLIMITED = 1_000_000_000
_CONFIRM_SECONDS = 10


class RabbitBus:
    """A connection to RabbitMQ that reconnects by itself."""

    def __init__(self, url: str, namespace: str = "zhuxue", policy: RetryPolicy | None = None) -> None:
        self.policy = policy or RetryPolicy()
        self._url = url
        self._ns = namespace
        self._subscriptions: list[tuple[Subscription, Processor]] = []
        self._listeners: list[tuple[Sequence[type[EventModel]], Callback]] = []
        self._connection: AbstractRobustConnection | None = None
        self._publishing: AbstractChannel | None = None
        self._events: AbstractExchange | None = None
        self._retries: dict[float, AbstractExchange] = {}

    def subscribe(self, subscription: Subscription, processor: Processor) -> None:
        """See `Bus.subscribe`."""
        self._subscriptions.append((subscription, processor))

    def listen(self, types: Sequence[type[EventModel]], callback: Callback) -> None:
        """See `Bus.listen`. Uses an exclusive queue, which is deleted with the connection."""
        self._listeners.append((types, callback))

    async def start(self) -> None:
        """Connect, declare the topology and start consuming."""
        self._connection = await aio_pika.connect_robust(self._url, heartbeat=30)
        # With `mandatory`, publishing an unroutable message fails.
        self._publishing = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        self._events, _ = await _exchanges(self._publishing, self._ns)
        for delay in self.policy.delays:
            self._retries[delay] = await _declare_retry(self._publishing, self._ns, delay)
        consumed = [await self._declare(s, p) for s, p in self._subscriptions]
        await self._drain_former_queues()
        for queue, consumer in (pair for pairs in consumed for pair in pairs):
            await queue.consume(consumer)
        for types, callback in self._listeners:
            channel = await self._connection.channel()
            events, _ = await _exchanges(channel, self._ns)
            queue = await channel.declare_queue(exclusive=True, auto_delete=True)
            for model in types:
                await queue.bind(events, model.type)
            await queue.consume(_local_consumer(callback), no_ack=True)

    async def check(self) -> None:
        """Raise unless connected."""
        if self._connection is None or self._connection.is_closed or not self._connection.connected.is_set():
            raise ConnectionError("RabbitMQ is not connected")

    async def close(self) -> None:
        """Close the connection; the broker delivers unacknowledged messages to the next consumer."""
        if self._connection is not None:
            await self._connection.close()

    async def publish(self, envelopes: Sequence[Envelope], queue: str | None = None) -> list[Failure | None]:
        """Publish persistent messages and wait for the broker's confirms."""
        results = await asyncio.gather(*(self._publish(e, queue) for e in envelopes), return_exceptions=True)
        return [None if r is None else Failure(f"{type(r).__name__}: {r}") for r in results]

    async def give_up(self, envelope: Envelope, failure: Failure, attempts: int) -> None:
        """Never called, because `publish` reports no failures of handlers."""
        raise NotImplementedError

    async def retry_later(
        self, message: AbstractIncomingMessage, queue: str, delay: float, headers: dict[str, int | str]
    ) -> None:
        """Publish a copy of `message` for delivery to `queue` after `delay`, and acknowledge the original.

        The delay blocks neither this process nor the queue. Without a confirm for the copy, the message is
        not acknowledged.
        """
        copy = Message(
            message.body,
            content_type=message.content_type,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=message.message_id,
            type=message.type,
            correlation_id=message.correlation_id,
            headers=dict(headers),
        )
        try:
            await self._retries[delay].publish(
                copy, f"{self._ns}.{queue}", mandatory=True, timeout=_CONFIRM_SECONDS
            )
        except Exception:
            log.warning("retry not scheduled", queue=queue, type=message.type, exc_info=True)
            await asyncio.sleep(self.policy.base)
            await message.nack(requeue=True)
        else:
            await message.ack()

    async def _publish(self, envelope: Envelope, queue: str | None) -> None:
        if self._events is None or self._publishing is None:
            raise ConnectionError("the bus has not been started")
        await self.check()
        message = Message(
            envelope.model_dump_json().encode(),
            content_type=_CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=str(envelope.id),
            type=envelope.type,
            correlation_id=envelope.correlationid,
        )
        if queue is None:
            # An event without subscriptions is not an error.
            await self._events.publish(message, envelope.type, mandatory=False, timeout=_CONFIRM_SECONDS)
        else:
            await self._publishing.default_exchange.publish(
                message, f"{self._ns}.{queue}", mandatory=True, timeout=_CONFIRM_SECONDS
            )

    async def _declare(
        self, subscription: Subscription, processor: Processor
    ) -> list[tuple[AbstractQueue, Callable[[AbstractIncomingMessage], Awaitable[None]]]]:
        """Declare the queue of a subscription and its dead letter queue, each with a consumer."""
        name = f"{self._ns}.{subscription.queue}"
        channel = await self._channel(processor.concurrency)
        events, dead_exchange = await _exchanges(channel, self._ns)
        dead = await (await self._channel(1)).declare_queue(
            f"{name}.dead.v2",
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": _UNLIMITED},
        )
        await dead.bind(dead_exchange, name)
        # The arguments of a durable queue cannot change: the broker rejects a different declaration.
        queue = await channel.declare_queue(
            name,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": _DELIVERY_LIMIT,
                "x-dead-letter-exchange": f"{self._ns}.dead",
                "x-dead-letter-routing-key": name,
            },
        )
        for type_ in subscription.wire_types:
            await queue.bind(events, type_)
        return [
            (queue, _Consumer(self, subscription, processor).on_message),
            (dead, _DeadLetterConsumer(self, subscription, processor).on_message),
        ]

    async def _channel(self, prefetch: int) -> AbstractChannel:
        assert self._connection is not None
        channel = await self._connection.channel()
        await channel.set_qos(prefetch_count=prefetch)
        return channel

    async def _drain_former_queues(self) -> None:
        """Move the dead letters that earlier releases put into `<ns>.<queue>.dead` to the table.

        Processes of the earlier release may still publish to the exchange, so the queue is unbound first. The
        empty queue stays: brokers cannot delete a quorum queue on the condition that it is empty.
        """
        async with await aio_pika.connect(self._url) as connection:
            for subscription, processor in self._subscriptions:
                name = f"{self._ns}.{subscription.queue}"
                channel = await connection.channel()
                try:
                    former = await channel.declare_queue(f"{name}.dead", passive=True)
                except ChannelNotFoundEntity:
                    continue
                await former.unbind(f"{self._ns}.dead", name)
                while (message := await former.get(fail=False)) is not None:
                    await processor.give_up(subscription.queue, message.body, _reason(message), 0)
                    await message.ack()


class _Consumer:
    def __init__(self, bus: RabbitBus, subscription: Subscription, processor: Processor) -> None:
        self._bus = bus
        self._subscription = subscription
        self._processor = processor

    async def on_message(self, message: AbstractIncomingMessage) -> None:
        queue, policy = self._subscription.queue, self._bus.policy
        if (crashes := _number(message, "x-delivery-count")) >= _CRASHES:
            await self._give_up(message, f"not acknowledged after {crashes} deliveries", crashes)
            return
        try:
            await self._processor.process(self._subscription, Envelope.model_validate_json(message.body))
        except Exception as error:
            log.warning("handler failed", queue=queue, type=message.type, exc_info=True)
            attempts = _number(message, _ATTEMPTS) + 1
            if isinstance(error, POISON) or attempts >= policy.limit:
                await self._give_up(message, f"{type(error).__name__}: {error}", attempts)
            else:
                await self._bus.retry_later(message, queue, policy.delay(attempts), {_ATTEMPTS: attempts})
        else:
            await message.ack()

    async def _give_up(self, message: AbstractIncomingMessage, error: str, attempts: int) -> None:
        queue, policy = self._subscription.queue, self._bus.policy
        try:
            await self._processor.give_up(queue, message.body, error, attempts)
        except Exception:
            log.warning("dead letter not recorded", queue=queue, type=message.type, exc_info=True)
            await self._bus.retry_later(message, queue, policy.cap, {_ATTEMPTS: attempts})
        else:
            await message.ack()


class _DeadLetterConsumer(_Consumer):
    """Moves messages that the broker has dead-lettered to the table."""

    async def on_message(self, message: AbstractIncomingMessage) -> None:
        queue = self._subscription.queue
        try:
            await self._processor.give_up(
                queue, message.body, _reason(message), _number(message, "x-delivery-count")
            )
        except Exception:
            log.warning("dead letter not recorded", queue=queue, type=message.type, exc_info=True)
            await self._bus.retry_later(
                message, f"{queue}.dead.v2", self._bus.policy.cap, {_ERROR: _reason(message)}
            )
        else:
            await message.ack()


def _local_consumer(callback: Callback) -> Callable[[AbstractIncomingMessage], Awaitable[None]]:
    async def on_message(message: AbstractIncomingMessage) -> None:
        try:
            callback(Envelope.model_validate_json(message.body).event())
        except Exception:
            # Best effort, like its queue.
            log.warning("listener failed", type=message.type, exc_info=True)

    return on_message


def _number(message: AbstractIncomingMessage, header: str) -> int:
    value = message.headers.get(header, 0)
    return value if isinstance(value, int) else 0


def _reason(message: AbstractIncomingMessage) -> str:
    return str(message.headers.get(_ERROR, "the broker's delivery limit was reached"))


async def _exchanges(channel: AbstractChannel, ns: str) -> tuple[AbstractExchange, AbstractExchange]:
    events = await channel.declare_exchange(f"{ns}.events", ExchangeType.TOPIC, durable=True)
    dead = await channel.declare_exchange(f"{ns}.dead", ExchangeType.DIRECT, durable=True)
    return events, dead


async def _declare_retry(channel: AbstractChannel, ns: str, delay: float) -> AbstractExchange:
    """Declare a queue that returns each message after `delay` to the queue that its routing key names.

    There is one per delay: messages expire in order, so a long delay would block shorter ones.
    """
    name = f"{ns}.retry.{round(delay * 1000)}"
    exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
    queue = await channel.declare_queue(
        name,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": _UNLIMITED,
            "x-message-ttl": round(delay * 1000),
            "x-dead-letter-exchange": "",
            # The broker deletes a message here only after the target queue has confirmed it.
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    await queue.bind(exchange)
    return exchange
