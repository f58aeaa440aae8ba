"""A burst of events and requests do not starve each other."""

import asyncio
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from contracts.cockpit import BatchCommittedV1
from libs.messaging.tests.support.sample_service import SampleService, committed, eventually, subscription
from messaging.rabbitmq import RabbitBus
from servicekit.db import Database, Session
from servicekit.problems import install
from servicekit.retry import RetryPolicy

EVENTS = 2000


def application(database: Database) -> FastAPI:
    """An endpoint that needs one connection."""
    app = FastAPI()
    install(app)
    app.state.database = database

    @app.get("/answer")
    async def answer(session: Session) -> int:
        return int(await session.scalar(text("SELECT 42")) or 0)

    return app


async def test_requests_are_answered_during_a_burst_of_events_with_failing_ones_among_them(
    rabbit: SampleService,
) -> None:
    gate, failed = asyncio.Event(), set[UUID]()

    async def handle(event: BatchCommittedV1) -> None:
        if event.accepted % 20 == 0:
            failed.add(event.batch_id)
            raise RuntimeError("fails for ever")
        # Each holds its connection meanwhile.
        await gate.wait()

    transport = httpx.ASGITransport(application(rabbit.database))
    async with (
        rabbit.running(subscription(before=handle)) as bus,
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        ids = await rabbit.publish(*(committed(accepted=number) for number in range(EVENTS)))
        await rabbit.relayed()
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(client.get("/answer") for _ in range(200)))
        assert {answer.status_code for answer in answers} == {200}
        gate.set()
        during = [await client.get("/answer") for _ in range(100)]
        assert {answer.status_code for answer in during} == {200}
        fine = [id_ for number, id_ in enumerate(ids) if number % 20]
        await rabbit.has_effects(*fine, seconds=120)

        async def all_dead() -> bool:
            return len(await rabbit.dead_letters.list("sample.effects", limit=EVENTS)) == EVENTS // 20

        await eventually(all_dead, 60)
        await bus.check()
    assert len(failed) == EVENTS // 20


async def test_a_failing_handler_holds_no_place_while_it_waits_for_its_retry(rabbit: SampleService) -> None:
    patient = RabbitBus(rabbit.rabbitmq_url, rabbit.namespace, RetryPolicy(limit=3, base=60, cap=60))
    tried = 0

    def handle(event: BatchCommittedV1) -> None:
        nonlocal tried
        if event.feed == "bad":
            tried += 1
            raise RuntimeError("later")

    async with rabbit.running(subscription(before=handle), bus=patient):
        await rabbit.publish(*(committed("bad") for _ in range(70)))

        async def all_tried() -> bool:
            return tried == 70

        await eventually(all_tried)
        [id_] = await rabbit.publish(committed("good"))
        await rabbit.has_effects(id_)
        assert rabbit.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_process_handles_no_more_events_at_once_than_it_has_connections_for(
    rabbit: SampleService,
) -> None:
    gate, handling, most = asyncio.Event(), 0, 0

    async def handle(_: BatchCommittedV1) -> None:
        nonlocal handling, most
        handling += 1
        most = max(most, handling)
        await gate.wait()
        handling -= 1

    async with rabbit.running(
        subscription("sample.one", handle), subscription("sample.two", handle), concurrency=3
    ):
        ids = await rabbit.publish(*(committed() for _ in range(20)))
        await rabbit.relayed()

        async def full() -> bool:
            return handling == 6

        await eventually(full)
        gate.set()
        await rabbit.has_effects(*ids, queue="sample.one")
        await rabbit.has_effects(*ids, queue="sample.two")
    assert most == 6
