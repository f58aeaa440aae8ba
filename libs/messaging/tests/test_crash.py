"""Processes that are killed with SIGKILL at the worst moment lose nothing and repeat nothing."""

import asyncio
import os
import signal
import sys

from libs.messaging.tests.support import sample_service
from libs.messaging.tests.support.sample_service import (
    Change,
    DiesAfterEffect,
    SampleService,
    committed,
    dead_letters,
    inbox,
    outbox,
    subscription,
)
from messaging.envelope import Envelope
from messaging.inbox import Processor, Subscription
from messaging.relay import Relay


async def killed(action: str, service: SampleService) -> None:
    """Run `action` of the sample program in a process of its own until it kills itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(sample_service.__file__),
        action,
        service.kind,
        service.database_url,
        service.rabbitmq_url,
        service.namespace,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == -signal.SIGKILL, output.decode()


class Deliveries(Processor):
    """Records for each delivery whether the event was new."""

    def __init__(self, service: SampleService) -> None:
        super().__init__(service.database, inbox, dead_letters)
        self.new: list[bool] = []

    async def process(self, subscription: Subscription, envelope: Envelope) -> bool:
        self.new.append(await super().process(subscription, envelope))
        return self.new[-1]


async def test_killed_after_the_commit_and_before_relaying_loses_nothing(service: SampleService) -> None:
    await killed("commit_and_die", service)
    assert await service.count(Change) == 2
    assert await service.count(outbox.row) == 2
    assert await service.effects() == []

    async with service.running(subscription()):
        await service.relayed()

        async def both() -> bool:
            return len(await service.effects()) == 2

        await sample_service.eventually(both)
    assert len(set(await service.effects())) == 2
    assert await service.count(outbox.row) == 0


async def test_killed_before_the_commit_has_changed_nothing_and_publishes_nothing(
    service: SampleService,
) -> None:
    await killed("die_before_commit", service)
    assert await service.count(Change) == 0
    async with service.running(subscription()):
        [later] = await service.publish(committed())
        await service.has_effects(later)
        assert await service.effects() == [later]


async def test_killed_between_publishing_and_deleting_publishes_again_with_one_effect(
    service: SampleService,
) -> None:
    await killed("publish_and_die", service)
    assert await service.count(outbox.row) == 1, "the row must outlive a relay that could not delete it"

    deliveries = Deliveries(service)
    bus = service.new_bus()
    bus.subscribe(subscription(), deliveries)
    await bus.start()
    async with Relay(service.database, outbox, bus).running():
        await service.relayed()

        async def delivered_again() -> bool:
            # Nobody else consumed from RabbitMQ, unless the dead process had time to.
            return False in deliveries.new

        await sample_service.eventually(delivered_again)
    await bus.close()
    assert len(await service.effects()) == 1
    assert await service.count(inbox) == 1


async def test_a_consumer_killed_between_effect_and_ack_gets_it_again_with_one_effect(
    rabbit: SampleService,
) -> None:
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

    await sample_service.eventually(redelivered)
    await again.close()
    assert await rabbit.effects() == [id_]
