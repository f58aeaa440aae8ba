"""The contract of a bus. Two classes implement it: `rabbitmq.RabbitBus` and `inprocess.InProcessBus`.

Delivery is at least once to every subscription, in any order. A failing handler is retried after a
delay. An event whose handler keeps failing, or whose data fits no model, becomes a dead letter
(`messaging.dead_letters`). `tests/test_bus_contract.py` runs the same tests on both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from contracts import EventModel
from messaging.envelope import Envelope, UnknownEvent
from messaging.inbox import Processor, Subscription
from servicekit.retry import RetryPolicy

Callback = Callable[[Any], None]

# Errors that a retry cannot fix.
POISON = (ValidationError, UnknownEvent)


@dataclass(frozen=True)
class Failure:
    """The reason why an event could not be delivered.

    If handlers failed, `queues` contains their errors by queue name. `poison`: no retry of them can
    succeed.
    """

    error: str
    queues: Mapping[str, str] = field(default_factory=dict)
    poison: bool = False


class Bus(Protocol):
    """Delivers events from relays to subscriptions."""

    policy: RetryPolicy

    def subscribe(self, subscription: Subscription, processor: Processor) -> None:
        """Deliver to `subscription`, durably. Call before `start`."""
        ...

    def listen(self, types: Sequence[type[EventModel]], callback: Callback) -> None:
        """Call `callback(event)` in *this* process for every event of these types, best effort."""
        ...

    async def start(self) -> None:
        """Connect and start delivery."""
        ...

    async def publish(self, envelopes: Sequence[Envelope], queue: str | None = None) -> list[Failure | None]:
        """Publish, to `queue` only if given; return None for each envelope that is stored or handled."""
        ...

    async def give_up(self, envelope: Envelope, failure: Failure, attempts: int) -> None:
        """Make the event a dead letter of each queue in `failure.queues`."""
        ...

    async def check(self) -> None:
        """Raise if the bus is unreachable."""
        ...

    async def close(self) -> None:
        """Stop delivery; running handlers finish, or their events are redelivered later."""
        ...
