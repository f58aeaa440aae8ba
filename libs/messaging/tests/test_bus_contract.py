"""The contract of both buses, tested through a real outbox, the relay and the effect of a handler."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from contracts.cockpit import BatchCommittedV1
from contracts.identity import DirectoryLoadedV1
from libs.messaging.tests.support.sample_service import (
    SampleService,
    committed,
    eventually,
    inbox,
    outbox,
    record,
    subscription,
    tables,
    take_effect,
)
from messaging.envelope import Envelope
from messaging.inbox import Subscription
from messaging.relay import Relay
from messaging.wiring import LocalListener, Messaging
from servicekit.ids import new_id
from servicekit.logs import correlation_id
from servicekit.retry import RetryPolicy
from servicekit.tracing import continued, traceparent


class Fails:
    """Fails the first `times` deliveries, all when None."""

    def __init__(self, times: int | None = None) -> None:
        self.times = times
        self.calls = 0

    def __call__(self, event: BatchCommittedV1) -> None:
        self.calls += 1
        if self.times is None or self.calls <= self.times:
            raise RuntimeError(f"没有准备好 ({self.calls})")


async def test_delivers_to_every_subscription_of_the_type_and_to_no_other(service: SampleService) -> None:
    async with service.running(
        subscription("sample.one"),
        subscription("sample.two"),
        subscription("sample.other", types=(DirectoryLoadedV1,)),
    ):
        ids = await service.publish(committed(), committed(), committed())
        await service.has_effects(*ids, queue="sample.one")
        await service.has_effects(*ids, queue="sample.two")
        await service.relayed()
        assert await service.effects("sample.other") == []
    assert await service.count(outbox.row) == 0


async def test_the_event_arrives_as_it_was_sent(service: SampleService) -> None:
    got: list[tuple[BatchCommittedV1, Envelope]] = []

    async def handle(session: AsyncSession, event: BatchCommittedV1, envelope: Envelope) -> None:
        got.append((event, envelope))

    event = committed("奖助")
    async with service.running(Subscription("sample.effects", (BatchCommittedV1,), handle)):
        [id_] = await service.publish(event)
        await service.relayed()
        await eventually(lambda: _true(got))
    received, envelope = got[0]
    assert received == event
    assert (envelope.id, envelope.source, envelope.type) == (id_, "/zhuxue/sample", event.type)
    assert (envelope.subject, envelope.sequence, envelope.specversion) == (str(event.batch_id), 1, "1.0")


async def test_a_transaction_rolled_back_publishes_nothing(service: SampleService) -> None:
    async with service.running(subscription()):

        async def change_and_regret() -> None:
            async with service.database.transaction() as session:
                record(session, committed())
                await session.flush()
                raise RuntimeError("changed my mind")

        with pytest.raises(RuntimeError, match="changed my mind"):
            await change_and_regret()
        [later] = await service.publish(committed())
        await service.has_effects(later)
        assert await service.effects() == [later]
    assert await service.count(outbox.row) == 0


async def test_a_listener_can_hear_what_its_process_publishes_with_the_commit(service: SampleService) -> None:
    heard: list[object] = []
    listener = LocalListener((BatchCommittedV1,), heard.append, at_commit=True)
    # Neither relay nor bus run.
    await Messaging(service.database, tables, listeners=[listener]).background.close()
    event = committed("奖助")
    async with service.database.transaction() as session:
        record(session, event)
        await session.flush()
        assert heard == []
    assert heard == [event]

    async def change_and_regret() -> None:
        async with service.database.transaction() as session:
            record(session, committed())
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_and_regret()
    assert heard == [event]


async def test_a_handler_that_fails_twice_is_tried_again_and_has_one_effect(service: SampleService) -> None:
    fails = Fails(2)
    async with service.running(subscription(before=fails)):
        [id_] = await service.publish(committed())
        await service.has_effects(id_)
        await service.relayed()
        assert fails.calls == 3
        assert await service.dead_letters.list("sample.effects") == []
    assert await service.effects() == [id_]


async def test_a_failing_queue_neither_holds_up_nor_repeats_another(service: SampleService) -> None:
    fails, calls = Fails(2), 0

    def count(_: BatchCommittedV1) -> None:
        nonlocal calls
        calls += 1

    async with service.running(subscription("sample.bad", fails), subscription("sample.good", count)):
        [id_] = await service.publish(committed())
        await service.has_effects(id_, queue="sample.good")
        await service.has_effects(id_, queue="sample.bad")
        await service.relayed()
        assert calls == 1
    assert await service.effects("sample.good") == [id_]


async def test_an_event_delivered_twice_has_one_effect(service: SampleService) -> None:
    async with service.running(subscription()) as bus:
        envelope = _envelope(committed())
        assert await bus.publish([envelope]) == [None]
        await service.has_effects(envelope.id)
        assert await bus.publish([envelope, envelope]) == [None, None]
        [later] = await service.publish(committed())
        await service.has_effects(later)
        assert sorted(await service.effects()) == sorted([envelope.id, later])
    assert await service.count(inbox) == 2


async def test_copies_handled_at_the_same_moment_have_one_effect(service: SampleService) -> None:
    async def slow(_: BatchCommittedV1) -> None:
        await asyncio.sleep(0.1)

    async with service.running(subscription(before=slow)) as bus:
        envelope = _envelope(committed())
        await asyncio.gather(*(bus.publish([envelope]) for _ in range(4)))
        await service.has_effects(envelope.id)
        await asyncio.sleep(0.2)
        assert await service.effects() == [envelope.id]


async def test_data_that_fits_no_model_goes_straight_to_the_dead_letters_and_others_continue(
    service: SampleService,
) -> None:
    calls = Fails(0)
    async with service.running(subscription(before=calls)):
        poison = await service.publish_poison()
        [good] = await service.publish(committed())
        await service.has_effects(good)
        [dead] = await service.dead()
        assert (dead.event_id, dead.queue, dead.type) == (
            poison,
            "sample.effects",
            BatchCommittedV1.type,
        )
        assert "ValidationError" in dead.error
        assert "batch_id" in dead.error
        assert "'not'" not in dead.error, "the error names no data: they are personal, and errors are logged"
        assert dead.died_at is not None
        assert dead.died_at.tzinfo is not None
        assert calls.calls == 1, "the handler must never see it"
    assert await service.effects() == [good]


async def test_a_handler_that_fails_for_ever_ends_in_the_dead_letters_until_it_is_mended(
    service: SampleService,
) -> None:
    fails = Fails()
    async with service.running(subscription(before=fails)):
        [id_] = await service.publish(committed())
        [dead] = await service.dead()
        assert dead.event_id == id_
        assert "RuntimeError: 没有准备好 (3)" in dead.error
        assert fails.calls == 3, "the limit of the policy"
        assert await service.effects() == []

        fails.times = 0
        assert await service.dead_letters.replay("sample.effects") == 1
        await service.has_effects(id_)
        assert await service.dead_letters.list("sample.effects") == []
        assert await service.dead_letters.replay("sample.effects") == 0


async def test_a_replay_that_fails_again_is_tried_as_often_as_before_and_dies_again(
    service: SampleService,
) -> None:
    fails = Fails()
    async with service.running(subscription(before=fails)):
        [id_] = await service.publish(committed())
        await service.dead()
        assert await service.dead_letters.replay("sample.effects") == 1

        async def tried_again() -> bool:
            return fails.calls == 6

        await eventually(tried_again)
        [dead] = await service.dead()
        assert dead.event_id == id_


async def test_only_the_named_dead_letters_are_replayed(service: SampleService) -> None:
    fails = Fails()
    async with service.running(subscription(before=fails)):
        first, second, third = await service.publish(committed(), committed(), committed())
        await service.dead(count=3)
        fails.times = 0
        assert await service.dead_letters.replay("sample.effects", [second]) == 1
        await service.has_effects(second)
        assert {dead.event_id for dead in await service.dead(count=2)} == {first, third}


async def test_an_event_is_a_dead_letter_of_every_queue_that_gave_up_on_it(service: SampleService) -> None:
    one, two = Fails(), Fails()
    async with service.running(
        subscription("sample.one", one), subscription("sample.two", two), subscription("sample.fine")
    ):
        [id_] = await service.publish(committed())
        assert [dead.event_id for dead in await service.dead("sample.one")] == [id_]
        assert [dead.event_id for dead in await service.dead("sample.two")] == [id_]
        assert await service.effects("sample.fine") == [id_]

        one.times = two.times = 0
        assert await service.dead_letters.replay("sample.one") == 1
        await service.has_effects(id_, queue="sample.one")
        await service.dead_letters.replay("sample.two")
        await service.has_effects(id_, queue="sample.two")
    assert await service.effects("sample.fine") == [id_]


async def test_looking_at_dead_letters_never_uses_them_up(service: SampleService) -> None:
    async with service.running(subscription(before=Fails())):
        ids = await service.publish(committed(), committed())
        await service.dead(count=2)
        for _ in range(25):
            found = await service.dead_letters.list("sample.effects")
            assert {dead.event_id for dead in found} == set(ids)
        assert len(await service.dead_letters.list("sample.effects", limit=1)) == 1


async def test_listeners_of_the_process_hear_their_events_without_a_subscription(
    service: SampleService,
) -> None:
    heard: list[UUID] = []

    def hear(event: BatchCommittedV1) -> None:
        heard.append(event.batch_id)

    async with service.running(
        listeners=[
            LocalListener((BatchCommittedV1,), hear),
            LocalListener((DirectoryLoadedV1,), lambda event: heard.append(event.load_id)),
        ]
    ):
        event = committed()
        await service.publish(event)
        await eventually(lambda: _true(heard))
        await service.relayed()
    assert heard == [event.batch_id]


async def test_a_listener_that_fails_costs_nobody_an_event(service: SampleService) -> None:
    heard: list[UUID] = []

    def stumble(event: BatchCommittedV1) -> None:
        heard.append(event.batch_id)
        raise RuntimeError("deaf")

    async with service.running(subscription(), listeners=[LocalListener((BatchCommittedV1,), stumble)]):
        await service.publish_poison()
        first, second = committed(), committed()
        ids = await service.publish(first, second)
        await service.has_effects(*ids)
        await service.relayed()
        await eventually(lambda: _true(len(heard) >= 2))
    assert heard == [first.batch_id, second.batch_id]


async def test_several_relays_share_the_work_and_no_event_is_published_twice(service: SampleService) -> None:
    bus = service.new_bus()
    bus.subscribe(subscription(), service.processor())
    await bus.start()
    counting = _Counting(bus)
    ids = await service.publish(*(committed() for _ in range(60)))

    async def drain() -> int:
        relay, looked_at = Relay(service.database, outbox, counting, batch=5), 0  # type: ignore[arg-type]
        while count := await relay.drain_once():
            looked_at += count
        return looked_at

    shares = await asyncio.gather(drain(), drain(), drain())
    await service.has_effects(*ids)
    await bus.close()
    assert sorted(counting.seen) == sorted(ids)
    assert sum(shares) == 60
    assert min(shares) > 0, "one relay did all the work"


async def test_an_idle_relay_looks_at_the_outbox_no_more_often_than_its_poll(service: SampleService) -> None:
    relay = Relay(service.database, outbox, service.new_bus(), poll_seconds=0.1)
    looks, drain_once = 0, relay.drain_once

    async def counted() -> int:
        nonlocal looks
        looks += 1
        return await drain_once()

    relay.drain_once = counted  # type: ignore[method-assign]
    async with relay.running():
        await asyncio.sleep(0.5)
    assert looks <= 6


async def test_a_relay_that_is_woken_while_it_is_stopped_still_stops(service: SampleService) -> None:
    relay = Relay(service.database, outbox, service.new_bus(), poll_seconds=60)
    async with asyncio.timeout(30):
        for _ in range(5):
            async with relay.running():
                await asyncio.sleep(0.05)
                relay.wake()


async def test_a_commit_wakes_the_relay_at_once(service: SampleService) -> None:
    bus = service.new_bus()
    bus.subscribe(subscription(), service.processor())
    await bus.start()
    async with Relay(service.database, outbox, bus, poll_seconds=60).running():
        await asyncio.sleep(0.1)
        [id_] = await service.publish(committed())
        await service.has_effects(id_, seconds=1)
    await bus.close()


async def test_events_of_one_outbox_are_published_in_the_order_of_their_commits(
    service: SampleService,
) -> None:
    seen: list[int] = []

    def note(event: BatchCommittedV1) -> None:
        seen.append(event.accepted)

    async with service.running(listeners=[LocalListener((BatchCommittedV1,), note)]):
        for number in range(20):
            await service.publish(committed(accepted=number))
        await eventually(lambda: _true(len(seen) == 20))
    assert seen == list(range(20))


async def test_the_correlation_id_and_the_trace_travel_with_the_event_and_on_into_the_next(
    service: SampleService,
) -> None:
    heard: dict[str, list[str | None]] = {"first": [], "second": []}
    traces: list[str] = []

    async def answer(session: AsyncSession, event: BatchCommittedV1, envelope: Envelope) -> None:
        heard[event.feed] += [envelope.correlationid, correlation_id()]
        traces.extend((envelope.traceparent or "", traceparent() or ""))
        await take_effect(session, "sample.effects", envelope)
        if event.feed == "first":
            record(session, committed("second"))

    async with service.running(Subscription("sample.effects", (BatchCommittedV1,), answer)):
        with bound_contextvars(correlation_id="req-20231101-0001"), continued(None) as span:
            await service.publish(committed("first"))
        await eventually(lambda: _true(heard["second"]))
        await service.relayed()
    assert heard == {"first": ["req-20231101-0001"] * 2, "second": ["req-20231101-0001"] * 2}
    first, handler, second, last = traces
    assert (first, second) == (span.traceparent, handler)
    assert {one.split("-")[1] for one in traces} == {span.trace_id}
    assert len({first, handler, last}) == 3


def test_an_event_of_an_earlier_release_has_no_trace() -> None:
    recorded = Envelope(
        id=uuid4(), source="/zhuxue/sample", type="a", subject="b", time=datetime.now(UTC), data={}
    )
    message = recorded.model_dump_json(exclude={"traceparent"})
    assert Envelope.model_validate_json(message).traceparent is None


async def test_an_event_published_before_a_restart_is_delivered_after_it(service: SampleService) -> None:
    async with service.running(subscription(before=Fails(1))):
        pass
    [id_] = await service.publish(committed())
    async with service.running(subscription()):
        await service.has_effects(id_)
        await service.relayed()


async def test_a_broker_that_is_away_is_waited_for_and_loses_nothing(service: SampleService) -> None:
    away = _Away(service.new_bus())
    relay = Relay(service.database, outbox, away)  # type: ignore[arg-type]
    [id_] = await service.publish(committed())
    for _ in range(6):
        assert await relay.drain_once() <= 1
        async with service.database.transaction() as session:
            row = (await session.scalars(select(outbox.row))).one()
            row.next_attempt_at = row.created_at
    async with service.running(subscription()):
        await service.has_effects(id_)


def test_the_delay_doubles_up_to_its_cap_however_long_the_broker_is_away() -> None:
    policy = RetryPolicy(limit=5, base=0.2, cap=30)
    assert [policy.delay(attempt) for attempt in (1, 2, 3)] == [0.2, 0.4, 0.8]
    assert policy.delay(20) == 30
    assert policy.delay(100_000) == 30


class _Counting:
    """Records the events that relays hand to the bus."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.policy = inner, inner.policy
        self.seen: list[UUID] = []

    async def publish(self, envelopes: list[Envelope], queue: str | None = None) -> Any:
        self.seen += [envelope.id for envelope in envelopes]
        return await self.inner.publish(envelopes, queue)


class _Away:
    """A bus whose broker does not answer."""

    def __init__(self, inner: Any) -> None:
        self.policy = inner.policy

    async def publish(self, envelopes: list[Envelope], queue: str | None = None) -> Any:
        from messaging.bus import Failure

        return [Failure("ConnectionError: RabbitMQ is not connected")] * len(envelopes)


async def _true(value: object) -> bool:
    return bool(value)


def _envelope(event: BatchCommittedV1) -> Envelope:
    return Envelope(
        id=new_id(),
        source="/zhuxue/sample",
        type=event.type,
        subject=str(event.batch_id),
        time=event.committed_at,
        data=event.model_dump(mode="json"),
    )
