"""The store of facts over HTTP, as with a server: the summary of the run says what answered."""

import io
import json
import secrets
from collections.abc import AsyncIterator
from decimal import Decimal

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from cockpit.analytics import store
from cockpit.analytics.errors import AnalyticsTimeout, AnalyticsUnavailable
from cockpit.analytics.store import Analytics
from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import (
    award,
    csv_of,
    migrate,
    prepared,
    small_world,
    withdraw,
)
from testkit.plugin import DatabaseFactory


@pytest.fixture
async def analytics(clickhouse_url: str) -> AsyncIterator[Analytics]:
    found = Analytics(clickhouse_url, database=f"test_{secrets.token_hex(6)}", threads=2)
    await found.start()
    yield found
    await found.execute(f"DROP DATABASE `{found._database}`")
    await found.close()


async def test_tables_inserts_queries_and_deletes_pass_over_http(analytics: Analytics) -> None:
    await analytics.start()  # again: a second process
    loads = [new_id(), new_id()]
    lines = io.BytesIO(b"".join(json.dumps([str(load)]).encode() + b"\n" for load in loads))
    await analytics.insert("counted_loads", ["load_id"], lines)
    facts = pa.RecordBatch.from_pydict(
        {
            "load_id": pa.array([str(loads[0])] * 2).dictionary_encode(),
            "unit_code": ["370102", "文'字\\"],
            "year": pa.array([2017, 2018], pa.uint16()),
            "sign": pa.array([1, -1], pa.int8()),
            "amount": pa.array([Decimal("0.01"), Decimal("12345678901234.56")], pa.decimal128(20, 2)),
        }
    )
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, facts.schema) as writer:
        writer.write_batch(facts)
    stream.seek(0)
    await analytics.insert("award_facts", facts.schema.names, stream, "ArrowStream")
    rows = await analytics.query(
        "SELECT unit_code, year, sign, amount FROM award_facts"
        " WHERE load_id = {load:UUID} AND unit_code IN {codes:Array(String)} ORDER BY year",
        {"load": loads[0], "codes": ["370102", "文'字\\"]},
    )
    assert [tuple(row.values()) for row in rows] == [
        ("370102", 2017, 1, Decimal("0.01")),
        ("文'字\\", 2018, -1, Decimal("12345678901234.56")),
    ]
    await analytics.delete("award_facts", "load_id = {load:UUID}", {"load": loads[0]})
    assert (await analytics.query("SELECT count() AS n FROM award_facts"))[0]["n"] == 0


async def test_errors_of_the_store_are_told_apart_over_http(
    analytics: Analytics, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatabaseError) as wrong:
        await analytics.query("SELECT nosuch FROM award_facts")
    assert wrong.value.code == 47  # UNKNOWN_IDENTIFIER
    monkeypatch.setattr(store, "QUERY_SECONDS", 1)
    slow = "SELECT count() AS n FROM numbers(10000000000000) WHERE number % 7 = {n:UInt16}"
    with pytest.raises(AnalyticsTimeout):
        await analytics.query(slow, {"n": 1}, seconds=1)


async def test_a_server_that_is_gone_is_unavailable() -> None:
    gone = Analytics("http://127.0.0.1:9", database="nowhere")
    with pytest.raises(AnalyticsUnavailable):
        await gone.query("SELECT 1")
    await gone.close()


async def test_a_batch_is_taken_in_shown_verified_and_withdrawn_over_http(
    database_factory: DatabaseFactory, clickhouse_url: str, configured_logs: None
) -> None:
    start = await prepared(
        await database_factory("cockpit", migrate), clickhouse_url, 1024 * 1024, small_world()
    )
    async with start() as cockpit:
        made = await cockpit.upload("award", "county", csv_of([award(amount="5"), award(amount="0.07")]))
        assert (made.status_code, made.json()["accepted"]) == (201, 2), made.text
        assert (await cockpit.overview("county"))["awards"]["amount"]["yuan"] == "5.07"
        await cockpit.app.state.cell_builder.mark()
        counted = await cockpit.app.state.analytics.query("SELECT count() AS n FROM counted_loads")
        assert counted[0]["n"] == 1
        await withdraw(cockpit, made.json()["id"], "county")
        assert (await cockpit.overview("county"))["awards"]["person_times"] == 0
        database = cockpit.app.state.analytics._database
        await cockpit.app.state.analytics.execute(f"DROP DATABASE `{database}`")
