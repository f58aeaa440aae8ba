"""Behaviour with a broker: broken connections, stored messages, messages that are not ours."""

import asyncio
import contextlib
from uuid import UUID

import aio_pika
from sqlalchemy.engine import make_url

from contracts.cockpit import BatchCommittedV1
from libs.messaging.tests.support.sample_service import (
    QUICK,
    SampleService,
    committed,
    eventually,
    subscription,
)
from messaging.rabbitmq import RabbitBus
from messaging.wiring import LocalListener


async def test_subscriptions_and_listeners_go_on_after_a_broken_connection(rabbit: SampleService) -> None:
    heard: list[UUID] = []
    listener = LocalListener((BatchCommittedV1,), lambda event: heard.append(event.batch_id))
    wire = Wire(rabbit.rabbitmq_url)
    bus = RabbitBus(await wire.lay(), rabbit.namespace, QUICK)
    async with rabbit.running(subscription(), listeners=[listener], bus=bus):
        [before] = await rabbit.publish(committed())
        await rabbit.has_effects(before)
        wire.cut()

        [after] = await rabbit.publish(committed())
        await rabbit.has_effects(after, seconds=25)
        await rabbit.relayed()

        async def hears_again() -> bool:
            await rabbit.publish(committed())
            return len(heard) >= 2

        await eventually(hears_again)


async def test_what_is_published_while_a_service_is_down_waits_in_its_queue(rabbit: SampleService) -> None:
    async with rabbit.running(subscription()):
        pass
    async with rabbit.running():
        [id_] = await rabbit.publish(committed())
        await rabbit.relayed()
    assert await rabbit.effects() == []
    async with rabbit.running(subscription()):
        await rabbit.has_effects(id_)


async def test_two_processes_of_one_service_share_a_queue_and_both_listen(rabbit: SampleService) -> None:
    heard: list[str] = []

    def listener(name: str) -> LocalListener:
        return LocalListener((BatchCommittedV1,), lambda event: heard.append(name))

    async with (
        rabbit.running(subscription(), listeners=[listener("first")]),
        rabbit.running(subscription(), listeners=[listener("second")]),
    ):
        ids = await rabbit.publish(*(committed() for _ in range(10)))
        await rabbit.has_effects(*ids)

        async def both_heard_all() -> bool:
            return sorted(heard) == ["first"] * 10 + ["second"] * 10

        await eventually(both_heard_all)
    assert len(await rabbit.effects()) == 10


async def test_a_message_that_is_no_event_at_all_becomes_a_dead_letter_and_others_continue(
    rabbit: SampleService,
) -> None:
    async with rabbit.running(subscription()):
        async with await aio_pika.connect(rabbit.rabbitmq_url) as connection:
            channel = await connection.channel()
            for body, id_ in (
                (b"\xff\xfe not json", "not-a-uuid"),
                (b'{"specversion": "0.3"}', str(UUID(int=1))),
            ):
                await channel.default_exchange.publish(
                    aio_pika.Message(body, message_id=id_), f"{rabbit.namespace}.sample.effects"
                )
        [good] = await rabbit.publish(committed())
        await rabbit.has_effects(good)
        found = await rabbit.dead(count=2)
        assert {dead.type for dead in found} == {"?"}
        assert all("ValidationError" in dead.error for dead in found)


async def test_two_namespaces_on_one_broker_do_not_hear_each_other(rabbit: SampleService) -> None:
    other = SampleService("rabbitmq", rabbit.database_url, rabbit.rabbitmq_url, rabbit.namespace + "x")
    heard: list[UUID] = []
    listener = LocalListener((BatchCommittedV1,), lambda event: heard.append(event.batch_id))
    elsewhere = other.new_bus()
    elsewhere.listen(listener.types, listener.callback)
    await elsewhere.start()
    async with rabbit.running(subscription()):
        [id_] = await rabbit.publish(committed())
        await rabbit.has_effects(id_)
    await elsewhere.close()
    await other.database.close()
    assert heard == []


async def test_a_bus_that_is_not_connected_says_so(rabbit: SampleService) -> None:
    bus = rabbit.new_bus()
    for _ in range(2):
        try:
            await bus.check()
        except ConnectionError:
            pass
        else:
            raise AssertionError("check() must raise")
        await bus.start()
        await bus.check()
        await bus.close()


class Wire:
    """A TCP proxy in front of the broker that can be cut."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._writers: list[asyncio.StreamWriter] = []

    async def lay(self) -> str:
        """Begin to forward; returns the URL to connect to."""
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        return self._target.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)

    def cut(self) -> None:
        """Abort every connection without closing it."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onwards, back = await asyncio.open_connection(self._target.host, self._target.port or 5672)
        self._writers += [writer, back]
        await asyncio.gather(self._pump(reader, back), self._pump(onwards, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
        sink.close()
