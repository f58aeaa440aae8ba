"""Processes that are killed with SIGKILL at the worst moment lose nothing and repeat nothing."""

import asyncio
import os
import signal
import sys

from libs.messaging.tests.support import messaging_bench
from libs.messaging.tests.support.messaging_bench import (
    Bench,
    Change,
    DiesAfterEffect,
    committed,
    dead_letters,
    inbox,
    outbox,
    subscription,
)
from messaging.envelope import Envelope
from messaging.inbox import Processor, Subscription
from messaging.relay import Relay


async def killed(action: str, bench: Bench) -> None:
    """Run `action` of the bench's program in a process of its own until it kills itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(messaging_bench.__file__),
        action,
        bench.kind,
        bench.database_url,
        bench.rabbitmq_url,
        bench.namespace,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == -signal.SIGKILL, output.decode()


class Deliveries(Processor):
    """Counts what is delivered and what of it is new."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench.database, inbox, dead_letters)
        self.new: list[bool] = []

    async def process(self, subscription: Subscription, envelope: Envelope) -> bool:
        self.new.append(await super().process(subscription, envelope))
        return self.new[-1]


async def test_killed_after_the_commit_and_before_relaying_loses_nothing(bench: Bench) -> None:
    await killed("commit_and_die", bench)
    assert await bench.count(Change) == 2
    assert await bench.count(outbox.row) == 2
    assert await bench.effects() == []

    async with bench.running(subscription()):
        await bench.relayed()

        async def both() -> bool:
            return len(await bench.effects()) == 2

        await messaging_bench.eventually(both)
    assert len(set(await bench.effects())) == 2
    assert await bench.count(outbox.row) == 0


async def test_killed_before_the_commit_has_changed_nothing_and_publishes_nothing(bench: Bench) -> None:
    await killed("die_before_commit", bench)
    assert await bench.count(Change) == 0
    async with bench.running(subscription()):
        [later] = await bench.publish(committed())
        await bench.has_effects(later)
        assert await bench.effects() == [later]


async def test_killed_between_publishing_and_deleting_publishes_again_with_one_effect(bench: Bench) -> None:
    await killed("publish_and_die", bench)
    assert await bench.count(outbox.row) == 1, "the row must outlive a relay that could not delete it"

    deliveries = Deliveries(bench)
    bus = bench.new_bus()
    bus.subscribe(subscription(), deliveries)
    await bus.start()
    async with Relay(bench.database, outbox, bus).running():
        await bench.relayed()

        async def delivered_again() -> bool:
            # Nobody else consumed from RabbitMQ, unless the dead process had time to.
            return False in deliveries.new

        await messaging_bench.eventually(delivered_again)
    await bus.close()
    assert len(await bench.effects()) == 1
    assert await bench.count(inbox) == 1


async def test_a_consumer_killed_between_effect_and_ack_gets_it_again_with_one_effect(rabbit: Bench) -> None:
    bus = rabbit.new_bus()
    # Declare the queue, then leave before anything is in it.
    bus.subscribe(subscription(), DiesAfterEffect(rabbit.database, inbox, dead_letters))
    await bus.start()
    await bus.close()
    async with rabbit.running():
        [id_] = await rabbit.publish(committed())
        await rabbit.relayed()
    await killed("consume_and_die", rabbit)
    assert await rabbit.effects() == [id_]

    deliveries = Deliveries(rabbit)
    again = rabbit.new_bus()
    again.subscribe(subscription(), deliveries)
    await again.start()

    async def redelivered() -> bool:
        return deliveries.new == [False]

    await messaging_bench.eventually(redelivered)
    await again.close()
    assert await rabbit.effects() == [id_]
