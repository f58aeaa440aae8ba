"""The bus of `make run`: handlers run in this process, straight from the outbox relay.

An event stays in its outbox until every handler has succeeded, so a restart loses none. The outbox row
itself is the dead letter.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, func, literal, select, update

from contracts import EventModel
from messaging.bus import POISON, Callback, DeadLetter, Failure, RetryPolicy
from messaging.envelope import Envelope
from messaging.inbox import Processor, Subscription
from messaging.outbox import Outbox
from servicekit.db import Database

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
        """Always there."""

    async def close(self) -> None:
        """Nothing to close."""

    async def publish(self, envelopes: Sequence[Envelope]) -> list[Failure | None]:
        """Run every handler of every envelope; one that failed is tried again with the whole row."""
        return [await self._deliver(envelope) for envelope in envelopes]

    async def _deliver(self, envelope: Envelope) -> Failure | None:
        for types, callback in self._listeners:
            if envelope.type in types:
                try:
                    callback(envelope.event())
                except Exception:
                    # Best effort: a failing listener must not delay the durable subscriptions.
                    log.warning("listener failed", type=envelope.type, exc_info=True)
        failed: dict[str, Exception] = {}
        for subscription, processor in self._subscriptions:
            if envelope.type not in subscription.wire_types:
                continue
            try:
                await processor.process(subscription, envelope)
            except Exception as error:
                log.warning("handler failed", queue=subscription.queue, type=envelope.type, exc_info=True)
                failed[subscription.queue] = error
        return _failure(failed) if failed else None


def _failure(failed: dict[str, Exception]) -> Failure:
    """The row is tried again as long as one queue may still succeed; the inbox spares those that have."""
    reasons = {queue: f"{type(error).__name__}: {error}" for queue, error in failed.items()}
    text = "; ".join(reasons.values() if len(reasons) == 1 else (f"{q}: {why}" for q, why in reasons.items()))
    poison = all(isinstance(error, POISON) for error in failed.values())
    return Failure(text[:2000], " ".join(failed), poison)


class OutboxDeadLetters:
    """Dead letters of in-process delivery: rows of the producing services' outboxes.

    A row is the dead letter of every queue that gave up on it, and is replayed for all of them at once.
    """

    def __init__(self, sources: Sequence[tuple[Database, Outbox]]) -> None:
        self._sources = list(sources)

    async def list(self, queue: str, limit: int = 100) -> list[DeadLetter]:
        """See `DeadLetters.list`."""
        letters: list[DeadLetter] = []
        for database, outbox in self._sources:
            row = outbox.row
            async with database.transaction() as session:
                found = await session.scalars(
                    select(row).where(_is_dead_in(row, queue)).order_by(row.seq).limit(limit)
                )
                letters += [
                    DeadLetter(r.id, queue, r.type, r.subject, r.last_error, r.dead_at) for r in found
                ]
        return letters[:limit]

    async def replay(self, queue: str, event_ids: Sequence[UUID] | None = None) -> int:
        """See `DeadLetters.replay`."""
        count = 0
        for database, outbox in self._sources:
            row = outbox.row
            statement = update(row).where(_is_dead_in(row, queue))
            if event_ids is not None:
                statement = statement.where(row.id.in_(event_ids))
            async with database.transaction() as session:
                revived = await session.execute(
                    statement.values(
                        dead_at=None, dead_queue=None, attempts=0, next_attempt_at=func.now()
                    ).returning(row.id)
                )
                count += len(revived.all())
        return count


def _is_dead_in(row: Any, queue: str) -> ColumnElement[bool]:
    return and_(
        row.dead_at.is_not(None), literal(queue) == func.any(func.string_to_array(row.dead_queue, " "))
    )
