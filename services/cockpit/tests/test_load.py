"""Under load: what waits for the facts holds nothing that other requests need."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, Error, OperationalError, StreamFailureError
from clickhouse_connect.driver.query import QueryResult

from cockpit.analytics import store
from cockpit.analytics.errors import AnalyticsBusy, AnalyticsTimeout
from cockpit.analytics.lanes import Lane
from servicekit.problems import Problem
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of

SLOW = "SELECT count() FROM award_facts"


class Gate:
    """Holds each query `SLOW` in its thread until the gate is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.arrived = threading.Semaphore(0)

    async def holds(self, count: int) -> None:
        """Return once `count` more queries wait at the gate."""
        for _ in range(count):
            assert await asyncio.to_thread(self.arrived.acquire, timeout=60)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, cockpit: Cockpit) -> Gate:
    gate = Gate()
    client = type(cockpit.app.state.analytics._client())
    query: Callable[..., QueryResult] = client.query

    def query_at_gate(self: Client, sql: str, *arguments: object, **options: object) -> QueryResult:
        if sql == SLOW:
            gate.arrived.release()
            assert gate.opened.wait(60)
        return query(self, sql, *arguments, **options)

    monkeypatch.setattr(client, "query", query_at_gate)
    return gate


async def test_twenty_concurrent_queries_leave_the_service_ready_and_the_rest_is_refused(
    cockpit: Cockpit, gate: Gate
) -> None:
    analytics: store.Analytics = cockpit.app.state.analytics
    await cockpit.upload("award", "county", csv_of([award(amount="5")]))
    queries = {asyncio.create_task(analytics.query(SLOW)) for _ in range(24)}
    await gate.holds(2)
    refused: set[asyncio.Task[list[dict[str, Any]]]] = set()
    while len(refused) < 18:
        done, queries = await asyncio.wait(queries, return_when=asyncio.FIRST_COMPLETED)
        refused |= done
    assert {type(task.exception()) for task in refused} == {AnalyticsBusy}

    ready = await cockpit.http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["analytics"]) == (200, "ok")
    # Writes do not wait for queries either, and views need none.
    made = await cockpit.upload("award", "county", csv_of([award(amount="1", year="2018")]))
    assert made.status_code == 201
    assert (await cockpit.overview("county"))["awards"]["amount"]["yuan"] == "5.00"
    assert all(not task.done() for task in queries)

    gate.opened.set()
    assert len(await asyncio.gather(*queries)) == 6


async def test_a_query_that_the_store_stops_for_its_time_is_503(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "QUERY_SECONDS", 1)
    analytics: store.Analytics = cockpit.app.state.analytics
    with pytest.raises(AnalyticsTimeout) as caught:
        await analytics.query(
            "SELECT count() FROM numbers(10000000000000) WHERE number % 7 = {n:UInt16}", {"n": 1}
        )
    assert (caught.value.status, caught.value.code) == (503, "analytics_timeout")
    assert caught.value.retry_after > 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationalError("connection refused"), "analytics_unavailable"),
        (DatabaseError("read timed out"), "analytics_unavailable"),
        (DatabaseError("Code: 209. SOCKET_TIMEOUT", code=209), "analytics_unavailable"),
        (DatabaseError("Code: 243. NOT_ENOUGH_SPACE", code=243), "analytics_unavailable"),
        (StreamFailureError("Code: 394. QUERY_WAS_CANCELLED", code=394), "analytics_timeout"),
        (StreamFailureError("Code: 159. TIMEOUT_EXCEEDED", code=159), "analytics_timeout"),
    ],
)
async def test_a_store_that_stops_answering_is_503_with_a_time_to_retry(
    monkeypatch: pytest.MonkeyPatch, error: Error, code: str
) -> None:
    analytics = store.Analytics("chdb://")

    def lost(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(analytics, "_client", lost)
    with pytest.raises(Problem) as caught:
        await analytics.query("SELECT 1")
    assert (caught.value.status, caught.value.code) == (503, code)
    assert caught.value.retry_after
    await analytics.close()


async def test_a_store_that_does_not_answer_is_503(cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch) -> None:
    await cockpit.upload("award", "county", csv_of([award()]))

    def lost(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(type(cockpit.app.state.analytics._client()), "query", lost)
    answer = await cockpit.upload("award", "county", csv_of([award()]))
    assert (answer.status_code, answer.json()["code"]) == (503, "analytics_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    ready = await cockpit.http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["analytics"]) == (503, "AnalyticsUnavailable")


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    lane = Lane("test", threads=1, queue=1, wait_seconds=0.01)
    yield lane
    await lane.close()


async def test_a_call_waits_no_longer_than_it_may_unless_it_is_patient(lane: Lane) -> None:
    end = threading.Event()
    running = asyncio.create_task(lane.run(end.wait))
    await asyncio.sleep(0)
    with pytest.raises(AnalyticsBusy):
        await lane.run(lambda: None)
    patient = [asyncio.create_task(lane.run(lambda: 1, patient=True)) for _ in range(3)]
    await asyncio.sleep(0)
    end.set()
    assert await asyncio.gather(running, *patient) == [True, 1, 1, 1]


async def test_a_thread_is_busy_until_its_call_ends_although_the_caller_has_gone(lane: Lane) -> None:
    end = threading.Event()
    gone = asyncio.create_task(lane.run(end.wait))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    with pytest.raises(AnalyticsBusy):
        await lane.run(lambda: None)
    end.set()
    assert await lane.run(lambda: 1, patient=True) == 1
