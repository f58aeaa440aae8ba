"""Dead letters: no broker version loses one, and listing them changes nothing."""

from typing import Any
from uuid import UUID

import aio_pika
import aio_pika.message
import pytest
from aio_pika import ExchangeType, Message
from aio_pika.abc import AbstractChannel, FieldValue
from sqlalchemy import select

from contracts.cockpit import BatchCommittedV1
from libs.messaging.tests.support.sample_service import (
    SampleService,
    committed,
    dead_letters,
    eventually,
    inbox,
    subscription,
)
from messaging.inbox import Processor
from messaging.wiring import LocalListener

QUEUE = "sample.effects"


class Handler:
    """Fails until `fixed`."""

    def __init__(self) -> None:
        self.fixed = False
        self.calls: list[UUID] = []

    def __call__(self, event: BatchCommittedV1) -> None:
        self.calls.append(event.batch_id)
        if not self.fixed:
            raise RuntimeError("not yet")


async def rows(service: SampleService) -> list[dict[str, Any]]:
    """All rows of the table."""
    async with service.database.transaction() as session:
        found = await session.execute(select(dead_letters).order_by(dead_letters.c.event_id))
        return [dict(row) for row in found.mappings()]


async def redeliveries(rabbit: SampleService) -> list[int]:
    """How often each message in the broker's own queues of dead letters has been delivered before."""
    found: list[int] = []
    async with await aio_pika.connect(rabbit.rabbitmq_url) as connection:
        for name in (f"{rabbit.namespace}.{QUEUE}.dead", f"{rabbit.namespace}.{QUEUE}.dead.v2"):
            channel = await connection.channel()
            try:
                queue = await channel.declare_queue(name, passive=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                continue
            while (message := await queue.get(fail=False)) is not None:
                count = message.headers.get("x-delivery-count", 0)
                assert isinstance(count, int)
                found.append(count)
    return found


async def test_listing_dead_letters_sixty_times_changes_nothing(service: SampleService) -> None:
    handler = Handler()
    async with service.running(subscription(before=handler)):
        ids = await service.publish(committed(), committed())
        await service.dead(count=2)
        before = await rows(service)
        for _ in range(60):
            assert {dead.event_id for dead in await service.dead_letters.list(QUEUE)} == set(ids)
        assert await rows(service) == before
        if service.kind == "rabbitmq":
            assert not any(await redeliveries(service)), "brokers 4.0 to 4.2 drop it after twenty"
        handler.fixed = True
        assert await service.dead_letters.replay(QUEUE) == 2
        await service.has_effects(*ids)


async def test_a_poison_message_dies_on_a_broker_that_does_not_count_deliveries(
    rabbit: SampleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ 4.3 leaves the count as it is when a message is returned by `basic.nack`."""
    init = aio_pika.message.IncomingMessage.__init__

    def without_count(self: aio_pika.message.IncomingMessage, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        self.headers.pop("x-delivery-count", None)

    monkeypatch.setattr(aio_pika.message.IncomingMessage, "__init__", without_count)
    handler = Handler()
    async with rabbit.running(subscription(before=handler)):
        [id_] = await rabbit.publish(committed())
        [dead] = await rabbit.dead()
    assert (dead.event_id, dead.attempts) == (id_, 3)
    assert len(handler.calls) == 3


async def test_a_message_that_keeps_ending_its_process_becomes_a_dead_letter(rabbit: SampleService) -> None:
    async with rabbit.running(subscription()):
        pass
    async with rabbit.running():
        [id_] = await rabbit.publish(committed())
        await rabbit.relayed()
    for _ in range(10):
        async with await aio_pika.connect(rabbit.rabbitmq_url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(f"{rabbit.namespace}.{QUEUE}", passive=True)
            assert await queue.get(timeout=10) is not None
    handler = Handler()
    async with rabbit.running(subscription(before=handler)):
        [dead] = await rabbit.dead()
    assert dead.event_id == id_
    assert "10 deliveries" in dead.error
    assert handler.calls == []


async def test_a_message_beyond_the_delivery_limit_of_the_broker_becomes_a_dead_letter(
    rabbit: SampleService,
) -> None:
    async with rabbit.running(subscription()):
        pass
    async with rabbit.running():
        [id_] = await rabbit.publish(committed())
        await rabbit.relayed()
    async with await aio_pika.connect(rabbit.rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(f"{rabbit.namespace}.{QUEUE}", passive=True)
        while (message := await queue.get(fail=False)) is not None:
            # Counted by every version, unlike basic.nack.
            await message.reject(requeue=True)
    async with rabbit.running(subscription()):
        [dead] = await rabbit.dead()
    assert dead.event_id == id_
    assert dead.error == "the broker's delivery limit was reached"


async def test_dead_letters_of_earlier_releases_are_moved_to_the_table(rabbit: SampleService) -> None:
    async with await aio_pika.connect(rabbit.rabbitmq_url) as connection:
        channel = await connection.channel()
        await earlier_topology(channel, rabbit.namespace)
        exchange = await channel.get_exchange(f"{rabbit.namespace}.dead")
        for body in (b"no event", b"another"):
            await exchange.publish(
                Message(body, headers={"x-error": "RuntimeError: then"}), f"{rabbit.namespace}.{QUEUE}"
            )
    async with rabbit.running(subscription()):
        found = await rabbit.dead_letters.list(QUEUE)
        assert [dead.error for dead in found] == ["RuntimeError: then"] * 2
        [id_] = await rabbit.publish(committed())
        await rabbit.has_effects(id_)
        assert await redeliveries(rabbit) == []


async def earlier_topology(channel: AbstractChannel, ns: str) -> None:
    """The queues as earlier releases declared them."""
    dead = await channel.declare_exchange(f"{ns}.dead", ExchangeType.DIRECT, durable=True)
    quorum: dict[str, FieldValue] = {"x-queue-type": "quorum"}
    queue = await channel.declare_queue(f"{ns}.{QUEUE}.dead", durable=True, arguments=quorum)
    await queue.bind(dead, f"{ns}.{QUEUE}")
    await channel.declare_queue(
        f"{ns}.{QUEUE}",
        durable=True,
        arguments={
            **quorum,
            "x-delivery-limit": 20,
            "x-dead-letter-exchange": f"{ns}.dead",
            "x-dead-letter-routing-key": f"{ns}.{QUEUE}",
        },
    )


@pytest.mark.parametrize("poison", [True, False])
async def test_a_dead_letter_waits_for_a_database_that_is_away(
    rabbit: SampleService, monkeypatch: pytest.MonkeyPatch, poison: bool
) -> None:
    give_up, refused = Processor.give_up, 0

    async def away_at_first(self: Processor, *args: Any) -> None:
        nonlocal refused
        if refused < 3:
            refused += 1
            raise ConnectionError("the database is away")
        await give_up(self, *args)

    monkeypatch.setattr(Processor, "give_up", away_at_first)
    async with rabbit.running(subscription(before=Handler())):
        id_ = await rabbit.publish_poison() if poison else (await rabbit.publish(committed()))[0]
        [dead] = await rabbit.dead()
    assert (dead.event_id, refused) == (id_, 3)


async def test_a_replay_reaches_its_own_queue_only(service: SampleService) -> None:
    failing, other, heard = Handler(), Handler(), []
    other.fixed = True
    listener = LocalListener((BatchCommittedV1,), lambda event: heard.append(event.batch_id))
    async with service.running(
        subscription("sample.failing", failing), subscription("sample.other", other), listeners=[listener]
    ):
        [id_] = await service.publish(committed())
        await service.dead("sample.failing")
        async with service.database.transaction() as session:
            # As if the inbox had been pruned since.
            await session.execute(inbox.delete())
        failing.fixed = True
        assert await service.dead_letters.replay("sample.failing") == 1
        await service.has_effects(id_, queue="sample.failing")
        await service.relayed()
    assert len(other.calls) == 1
    assert len(set(heard)) == 1
    assert service.kind == "rabbitmq" or len(heard) == 3, "a listener hears each attempt of this bus"


async def test_a_replayed_event_is_the_same_event(service: SampleService) -> None:
    handler, event = Handler(), committed("奖助")
    async with service.running(subscription(before=handler)):
        [id_] = await service.publish(event)
        await service.dead()
        [before] = await rows(service)
        assert await service.dead_letters.replay(QUEUE) == 1
        await eventually(lambda: _died_again(service))
        [after] = await rows(service)
        assert (after["event_id"], after["message"]) == (id_, before["message"])


async def _died_again(service: SampleService) -> bool:
    return len(await rows(service)) == 1


async def test_a_message_that_is_no_event_is_not_replayed_and_can_be_discarded(rabbit: SampleService) -> None:
    processor = rabbit.processor()
    for body in (b"no event", b"neither", b"no event"):
        await processor.give_up(QUEUE, body, "ValidationError:\0 no JSON", 1)
    found = await rabbit.dead_letters.list(QUEUE)
    assert len(found) == 2
    assert await rabbit.dead_letters.replay(QUEUE) == 0
    assert len(await rabbit.dead_letters.list(QUEUE)) == 2
    assert await rabbit.dead_letters.discard(QUEUE, [found[0].event_id]) == 1
    assert await rabbit.dead_letters.discard("sample.other", [found[1].event_id]) == 0
    assert await rabbit.dead_letters.list(QUEUE) == found[1:]


async def test_more_dead_letters_than_one_transaction_takes_are_all_replayed(
    service: SampleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    async with service.running(subscription(before=handler)):
        ids = await service.publish(*(committed() for _ in range(30)))
        await service.dead(count=30)
        handler.fixed = True
        monkeypatch.setattr("messaging.dead_letters._BATCH", 7)
        assert await service.dead_letters.replay(QUEUE) == 30
        await service.has_effects(*ids)
