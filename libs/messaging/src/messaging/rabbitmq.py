"""The bus of compose and production: RabbitMQ topic exchange, quorum queues, publisher confirms.

Topology, all durable, below a namespace (`zhuxue` unless tests isolate themselves):
`<ns>.events` topic exchange, routing key = event type; `<ns>.<queue>` one quorum queue per subscription;
`<ns>.dead` direct exchange and `<ns>.<queue>.dead` for what a queue has given up on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

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
from pydantic import ValidationError

from contracts import EventModel
from messaging.bus import POISON, Callback, DeadLetter, Failure, RetryPolicy
from messaging.envelope import Envelope
from messaging.inbox import Processor, Subscription

log = structlog.get_logger("bus")

_CONTENT_TYPE = "application/cloudevents+json"
# A crash loop cannot count its own attempts; the broker does, and dead-letters past this.
_CRASH_LIMIT = 20
_NO_LIMIT = 1_000_000_000
_PREFETCH = 32
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
        self._events: AbstractExchange | None = None
        self._dead: AbstractExchange | None = None

    def subscribe(self, subscription: Subscription, processor: Processor) -> None:
        """See `Bus.subscribe`."""
        self._subscriptions.append((subscription, processor))

    def listen(self, types: Sequence[type[EventModel]], callback: Callback) -> None:
        """See `Bus.listen`. Uses a queue of this connection only, gone with it."""
        self._listeners.append((types, callback))

    async def start(self) -> None:
        """Connect, declare the topology and begin to consume."""
        self._connection = await aio_pika.connect_robust(self._url, heartbeat=30)
        publishing = await self._connection.channel(publisher_confirms=True)
        self._events, self._dead = await _exchanges(publishing, self._ns)
        for subscription, processor in self._subscriptions:
            channel = await self._connection.channel()
            await channel.set_qos(prefetch_count=_PREFETCH)
            events, _ = await _exchanges(channel, self._ns)
            queue = await _declare(channel, self._ns, subscription.queue)
            for type_ in subscription.wire_types:
                await queue.bind(events, type_)
            await queue.consume(_Consumer(self, subscription, processor).on_message)
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
        """Close the connection; unacknowledged messages are redelivered to whoever consumes next."""
        if self._connection is not None:
            await self._connection.close()

    async def publish(self, envelopes: Sequence[Envelope]) -> list[Failure | None]:
        """Publish persistent messages and wait for the broker's confirms."""
        results = await asyncio.gather(*(self._publish(e) for e in envelopes), return_exceptions=True)
        return [None if r is None else Failure(f"{type(r).__name__}: {r}"[:2000]) for r in results]

    async def _publish(self, envelope: Envelope) -> None:
        if self._events is None:
            raise ConnectionError("the bus has not been started")
        await self.check()
        await self._events.publish(
            Message(
                envelope.model_dump_json().encode(),
                content_type=_CONTENT_TYPE,
                delivery_mode=DeliveryMode.PERSISTENT,
                message_id=str(envelope.id),
                type=envelope.type,
                correlation_id=envelope.correlationid,
            ),
            envelope.type,
            # An event that nobody subscribes to yet is not an error.
            mandatory=False,
            timeout=_CONFIRM_SECONDS,
        )

    async def bury(self, message: AbstractIncomingMessage, queue: str, error: str) -> None:
        """Move a message to the dead letters of `queue` with the reason."""
        assert self._dead is not None
        await self._dead.publish(
            Message(
                message.body,
                content_type=message.content_type,
                delivery_mode=DeliveryMode.PERSISTENT,
                message_id=message.message_id,
                type=message.type,
                headers={"x-error": error[:2000]},
                timestamp=datetime.now().astimezone(),
            ),
            f"{self._ns}.{queue}",
            timeout=_CONFIRM_SECONDS,
        )
        log.error("dead letter", queue=queue, event_id=message.message_id, error=error)


class _Consumer:
    def __init__(self, bus: RabbitBus, subscription: Subscription, processor: Processor) -> None:
        self._bus = bus
        self._subscription = subscription
        self._processor = processor

    async def on_message(self, message: AbstractIncomingMessage) -> None:
        queue = self._subscription.queue
        try:
            await self._processor.process(self._subscription, Envelope.model_validate_json(message.body))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.warning("handler failed", queue=queue, type=message.type, exc_info=True)
            count = message.headers.get("x-delivery-count", 0)
            attempt = (count if isinstance(count, int) else 0) + 1
            if isinstance(error, POISON) or attempt >= self._bus.policy.limit:
                await self._bus.bury(message, queue, f"{type(error).__name__}: {error}")
                await message.ack()
            else:
                await asyncio.sleep(self._bus.policy.delay(attempt))
                await message.nack(requeue=True)
        else:
            await message.ack()


def _local_consumer(callback: Callback) -> Callable[[AbstractIncomingMessage], Awaitable[None]]:
    async def on_message(message: AbstractIncomingMessage) -> None:
        try:
            callback(Envelope.model_validate_json(message.body).event())
        except Exception:
            # Best effort, like the queue it came from.
            log.warning("listener failed", type=message.type, exc_info=True)

    return on_message


async def _exchanges(channel: AbstractChannel, ns: str) -> tuple[AbstractExchange, AbstractExchange]:
    events = await channel.declare_exchange(f"{ns}.events", ExchangeType.TOPIC, durable=True)
    dead = await channel.declare_exchange(f"{ns}.dead", ExchangeType.DIRECT, durable=True)
    return events, dead


async def _declare(channel: AbstractChannel, ns: str, queue: str) -> AbstractQueue:
    name = f"{ns}.{queue}"
    _, dead = await _exchanges(channel, ns)
    graveyard = await channel.declare_queue(
        f"{name}.dead", durable=True, arguments={"x-queue-type": "quorum"}
    )
    await graveyard.bind(dead, name)
    return await channel.declare_queue(
        name,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": _CRASH_LIMIT,
            "x-dead-letter-exchange": f"{ns}.dead",
            "x-dead-letter-routing-key": name,
        },
    )


class RabbitDeadLetters:
    """Dead letters in RabbitMQ: the messages of `<ns>.<queue>.dead`."""

    def __init__(self, url: str, namespace: str = "zhuxue") -> None:
        self._url = url
        self._ns = namespace

    async def list(self, queue: str, limit: int = 100) -> list[DeadLetter]:
        """See `DeadLetters.list`. Looks without taking: everything is put back."""
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel()
            dead = await channel.declare_queue(f"{self._ns}.{queue}.dead", passive=True)
            taken: list[AbstractIncomingMessage] = []
            while len(taken) < limit and (message := await dead.get(fail=False)) is not None:
                taken.append(message)
            letters = [_letter(queue, message) for message in taken]
            for message in taken:
                await message.nack(requeue=True)
            return letters

    async def replay(self, queue: str, event_ids: Sequence[UUID] | None = None) -> int:
        """See `DeadLetters.replay`. Published back to the queue with a confirm, then removed."""
        wanted = None if event_ids is None else {str(i) for i in event_ids}
        count = 0
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            dead = await channel.declare_queue(f"{self._ns}.{queue}.dead", passive=True)
            left: list[AbstractIncomingMessage] = []
            for _ in range(dead.declaration_result.message_count or 0):
                message = await dead.get(fail=False)
                if message is None:
                    break
                if wanted is not None and message.message_id not in wanted:
                    left.append(message)
                    continue
                await channel.default_exchange.publish(
                    Message(
                        message.body,
                        content_type=message.content_type,
                        delivery_mode=DeliveryMode.PERSISTENT,
                        message_id=message.message_id,
                        type=message.type,
                    ),
                    f"{self._ns}.{queue}",
                    timeout=_CONFIRM_SECONDS,
                )
                await message.ack()
                count += 1
            for message in left:
                await message.nack(requeue=True)
        return count


def _letter(queue: str, message: AbstractIncomingMessage) -> DeadLetter:
    error = message.headers.get("x-error", "delivery limit")
    try:
        envelope = Envelope.model_validate_json(message.body)
        event_id, type_, subject = envelope.id, envelope.type, envelope.subject
    except ValidationError:
        event_id, type_, subject = _uuid(message.message_id), message.type or "?", "?"
    return DeadLetter(event_id, queue, type_, subject, str(error), message.timestamp)


def _uuid(text: str | None) -> UUID:
    """The id of a message that is no event of ours, as far as it has one."""
    try:
        return UUID(text or "")
    except ValueError:
        return UUID(int=0)
