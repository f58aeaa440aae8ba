"""What a bus promises. Two keep it: `rabbitmq.RabbitBus` and `inprocess.InProcessBus`.

At least once to every subscription, in any order; a handler that fails is tried again after a delay;
one that keeps failing, or data that can never be understood, ends in the dead letters of its queue.
`tests/test_bus_contract.py` holds both to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from pydantic import ValidationError

from contracts import EventModel
from messaging.envelope import Envelope, UnknownEvent
from messaging.inbox import Processor, Subscription

Callback = Callable[[Any], None]

# What no retry can mend.
POISON = (ValidationError, UnknownEvent)


@dataclass(frozen=True)
class RetryPolicy:
    """How often a failing handler is tried, and how long is waited in between (doubling, in seconds)."""

    limit: int = 8
    base: float = 0.5
    cap: float = 30.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the failed `attempt` (1 is the first)."""
        # Attempts are not bounded while a broker is away; a power of two is, in a float.
        return min(self.cap, self.base * 2.0 ** min(attempt - 1, 64))


@dataclass(frozen=True)
class Failure:
    """Why an event could not be handed over.

    `queue` is set when handlers failed: the names of their queues, separated by spaces; `poison`: do not
    retry.
    """

    error: str
    queue: str | None = None
    poison: bool = False


@dataclass(frozen=True)
class DeadLetter:
    """An event that a queue has given up on."""

    event_id: UUID
    queue: str
    type: str
    subject: str
    error: str
    died_at: datetime | None


class Bus(Protocol):
    """Carries events from relays to subscriptions."""

    policy: RetryPolicy

    def subscribe(self, subscription: Subscription, processor: Processor) -> None:
        """Deliver to `subscription`, durably. Call before `start`."""
        ...

    def listen(self, types: Sequence[type[EventModel]], callback: Callback) -> None:
        """Call `callback(event)` in *this* process for every event of these types, best effort."""
        ...

    async def start(self) -> None:
        """Connect and begin to deliver."""
        ...

    async def publish(self, envelopes: Sequence[Envelope]) -> list[Failure | None]:
        """Hand over; per envelope None once it is safe with the bus."""
        ...

    async def check(self) -> None:
        """Raise if the bus cannot be reached."""
        ...

    async def close(self) -> None:
        """Stop delivering; what is under way is finished or redelivered later."""
        ...


class DeadLetters(Protocol):
    """The operator's view of what has been given up on."""

    async def list(self, queue: str, limit: int = 100) -> list[DeadLetter]:
        """The dead letters of `queue`, oldest first."""
        ...

    async def replay(self, queue: str, event_ids: Sequence[UUID] | None = None) -> int:
        """Deliver again: those named, or all. Returns how many."""
        ...
