"""Under load: what waits for the facts holds nothing that other requests need."""

import asyncio
import threading
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from sqlalchemy import text

from .conftest import Cockpit, award, csv_of


class Gate:
    """Holds each query over awards in its thread until the gate is opened."""

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
    query = client.query

    def query_at_gate(self: Client, sql: str, *arguments: Any, **options: Any) -> Any:
        if "award_facts" in sql:
            gate.arrived.release()
            assert gate.opened.wait(60)
        return query(self, sql, *arguments, **options)

    monkeypatch.setattr(client, "query", query_at_gate)
    return gate


async def test_no_transaction_is_open_while_facts_are_queried(cockpit: Cockpit, gate: Gate) -> None:
    await cockpit.upload("award", "county", csv_of([award(amount="5")]))
    for path in ("/api/v1/overview", "/api/v1/overview/years"):
        gate.opened.clear()
        request = asyncio.create_task(
            cockpit.http.get(path, params={"year": "2017"}, headers=cockpit.bearer())
        )
        await gate.holds(1)
        async with cockpit.database.transaction() as session:
            idle = await session.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
                )
            )
        gate.opened.set()
        assert (await request).status_code == 200
        assert idle == 0
