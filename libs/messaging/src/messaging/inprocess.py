"""The bus of `make run`: the outbox relay calls the handlers in this process.

An event stays in its outbox until every handler has succeeded or failed finally, so no restart loses it.
"""

from collections.abc import Sequence

import structlog

from contracts import EventModel
from messaging.bus import POISON, Callback, Failure
from messaging.envelope import Envelope
from messaging.inbox import Processor, Subscription
from servicekit.retry import RetryPolicy

log = structlog.get_logger("bus")


class InProcessBus:
    """Delivers to the subscriptions of every service in this process."""

    def __init__(self, policy: RetryPolicy | None = None) -> None:
        self.policy = policy or RetryPolicy()
        self._subscriptions: list[tuple[Subscription, Processor]] = []
        self._listeners: list[tuple[set[str], Callback]] = []

    def subscribe(self, subscription: Subscription, processor: Processor) -> None:
        """See `Bus.subscribe`."""
        self._subscriptions.append((subscription, processor))

    def listen(self, types: Sequence[type[EventModel]], callback: Callback) -> None:
        """See `Bus.listen`."""
        self._listeners.append(({model.type for model in types}, callback))

    async def start(self) -> None:
        """Nothing to connect."""

    async def check(self) -> None:
        """Always reachable."""

    async def close(self) -> None:
        """Nothing to close."""

    async def publish(self, envelopes: Sequence[Envelope], queue: str | None = None) -> list[Failure | None]:
        """Run every handler of every envelope; after a failure the relay publishes the row again."""
        return [await self._deliver(envelope, queue) for envelope in envelopes]

    async def give_up(self, envelope: Envelope, failure: Failure, attempts: int) -> None:
        """See `Bus.give_up`."""
        message = envelope.model_dump_json().encode()
        for subscription, processor in self._subscriptions:
            error = failure.queues.get(subscription.queue)
            if error is not None:
                await processor.give_up(subscription.queue, message, error, attempts)

    async def _deliver(self, envelope: Envelope, queue: str | None) -> Failure | None:
        if queue is None:
            self._tell_listeners(envelope)
            chosen = [(s, p) for s, p in self._subscriptions if envelope.type in s.wire_types]
        else:
            chosen = [(s, p) for s, p in self._subscriptions if s.queue == queue]
            if not chosen:
                return Failure(f"no subscription is named {queue}")
        failed: dict[str, Exception] = {}
        for subscription, processor in chosen:
            try:
                await processor.process(subscription, envelope)
            except Exception as error:
                log.warning("handler failed", queue=subscription.queue, type=envelope.type, exc_info=True)
                failed[subscription.queue] = error
        return _failure(failed) if failed else None

    def _tell_listeners(self, envelope: Envelope) -> None:
        for types, callback in self._listeners:
            if envelope.type in types:
                try:
                    callback(envelope.event())
                except Exception:
                    # Best effort: a failing listener must not delay the durable subscriptions.
                    log.warning("listener failed", type=envelope.type, exc_info=True)


def _failure(failed: dict[str, Exception]) -> Failure:
    """Combine errors: the row is retried if any queue may succeed; the inbox skips processed events."""
    errors = {queue: f"{type(error).__name__}: {error}" for queue, error in failed.items()}
    text = "; ".join(f"{queue}: {error}" for queue, error in errors.items())
    return Failure(text, errors, poison=all(isinstance(error, POISON) for error in failed.values()))
