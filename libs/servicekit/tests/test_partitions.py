"""Tables emptied by the day."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import text

from servicekit.db import Database
from servicekit.ids import first_id, id_at, instant_of
from servicekit.partitions import ByDay, ByMonth, maintain

DAY = timedelta(days=1)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOTES = ByDay("notes", "id", keep=DAY, ids=True)
MARKS = ByDay("marks", "at", keep=timedelta(0))


@pytest.fixture
async def database(database_factory: Any) -> AsyncIterator[Database]:
    database = Database(await database_factory("partitions"), plans="force_custom_plan")
    async with database.engine.begin() as connection:
        for statement in (
            "CREATE TABLE notes (id uuid PRIMARY KEY, v int NOT NULL DEFAULT 0) PARTITION BY RANGE (id)",
            "CREATE TABLE notes_part_rest PARTITION OF notes DEFAULT",
            "CREATE TABLE marks (at timestamptz PRIMARY KEY) PARTITION BY RANGE (at)",
            "CREATE TABLE marks_part_rest PARTITION OF marks DEFAULT",
        ):
            await connection.execute(text(statement))
    yield database
    await database.close()


async def put(database: Database, instant: datetime) -> str:
    row_id = str(id_at(instant))
    async with database.engine.begin() as connection:
        await connection.execute(text("INSERT INTO notes VALUES (:id)"), {"id": row_id})
    return row_id


async def where(database: Database) -> dict[str, str]:
    async with database.engine.connect() as connection:
        rows = await connection.execute(text("SELECT id, tableoid::regclass::text FROM notes"))
        return {str(row_id): part for row_id, part in rows}


@given(st.integers(946_684_800_000, 7_258_118_400_000))
def test_an_id_lies_in_the_day_of_its_time(milliseconds: int) -> None:
    instant = datetime.fromtimestamp(milliseconds / 1000, UTC)
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    assert first_id(midnight) <= id_at(instant) < first_id(midnight + DAY)
    assert abs(instant_of(id_at(instant)) - instant) <= timedelta(milliseconds=1)


async def test_days_are_made_ahead_and_dropped_when_past_keeping(database: Database) -> None:
    made = await maintain(database, [NOTES, MARKS], NOON)
    days = ("20261122", "20261123", "20261124")
    assert made == [f"{table}_part_{day}" for table in ("notes", "marks") for day in days]
    assert await maintain(database, [NOTES, MARKS], NOON) == []
    kept, gone = await put(database, NOON + DAY), await put(database, NOON)
    changed = await maintain(database, [NOTES], NOON + 2 * DAY)
    assert changed == ["notes_part_20261125", "notes_part_20261126", "notes_part_20261122"]
    assert await where(database) == {kept: "notes_part_20261123"}
    assert gone not in await where(database)


async def test_a_row_of_a_day_far_ahead_waits_and_moves_when_its_day_comes_near(database: Database) -> None:
    await maintain(database, [NOTES], NOON)
    row = await put(database, NOON + 90 * DAY)
    assert await where(database) == {row: "notes_part_rest"}
    await maintain(database, [NOTES], NOON + 88 * DAY)
    assert await where(database) == {row: "notes_part_20270220"}


async def test_what_nobody_has_moved_is_dropped_all_the_same(database: Database) -> None:
    await put(database, NOON)
    await maintain(database, [NOTES], NOON + 30 * DAY)
    assert await where(database) == {}


async def test_a_partition_that_cannot_be_locked_is_counted_and_left_for_the_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left() -> float:
        return REGISTRY.get_sample_value("zhuxue_partitions_left_total", {"table": "notes"}) or 0.0

    monkeypatch.setattr("servicekit.partitions._LOCK_TIMEOUT", "50ms")
    before = left()
    async with database.engine.begin() as connection:
        await connection.execute(text("LOCK TABLE notes IN ROW EXCLUSIVE MODE"))
        assert await maintain(database, [NOTES], NOON) == []
    assert left() == before + 3
    assert len(await maintain(database, [NOTES], NOON)) == 3
    assert left() == before + 3


async def test_of_two_processes_one_makes_the_partitions(database: Database) -> None:
    done = await asyncio.gather(*(maintain(database, [NOTES], NOON) for _ in range(3)))
    assert sorted(name for names in done for name in names) == [NOTES.part(NOON + n * DAY) for n in range(3)]


@given(st.integers(946_684_800_000, 7_258_118_400_000))
def test_months_follow_each_other_without_a_gap(milliseconds: int) -> None:
    instant = datetime.fromtimestamp(milliseconds / 1000, UTC)
    start = ByMonth.start(instant)
    end = ByMonth.following(start)
    assert start <= instant < end
    assert (start.day, end.day) == (1, 1)
    assert ByMonth.start(end - timedelta(milliseconds=1)) == start
    assert ByMonth.start(end) == end


RECORDS = ByMonth("records", "id", keep=None, ids=True, append_only=True)


@pytest.fixture
async def records(database: Database) -> Database:
    """A table partitioned by month that refuses changes."""
    refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'"
    async with database.engine.begin() as connection:
        for statement in (
            "CREATE TABLE records (id uuid PRIMARY KEY) PARTITION BY RANGE (id)",
            "CREATE TABLE records_part_rest PARTITION OF records DEFAULT",
            refuse,
            "CREATE TRIGGER r BEFORE DELETE ON records FOR EACH ROW EXECUTE FUNCTION refuse()",
        ):
            await connection.execute(text(statement))
    return database


async def test_months_are_made_ahead_and_kept(records: Database) -> None:
    assert await maintain(records, [RECORDS], NOON) == ["records_part_202611", "records_part_202612"]
    assert await maintain(records, [RECORDS], NOON + 400 * DAY) == [
        "records_part_202712",
        "records_part_202801",
    ]
    assert await maintain(records, [RECORDS], NOON + 400 * DAY) == []


async def test_a_month_past_keeping_is_dropped(records: Database) -> None:
    kept_half_a_year = ByMonth("records", "id", keep=183 * DAY, ids=True, append_only=True)
    await maintain(records, [kept_half_a_year], NOON)
    june, early = datetime(2027, 6, 3, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
    assert "records_part_202611" not in await maintain(records, [kept_half_a_year], early)
    assert "records_part_202611" in await maintain(records, [kept_half_a_year], june)


async def test_rows_that_refuse_changes_move_all_the_same(records: Database) -> None:
    row = str(id_at(NOON))
    async with records.engine.begin() as connection:
        await connection.execute(text("INSERT INTO records VALUES (:id)"), {"id": row})
    await maintain(records, [RECORDS], NOON)
    async with records.engine.connect() as connection:
        found = await connection.execute(text("SELECT id, tableoid::regclass::text FROM records"))
        assert [(str(row_id), part) for row_id, part in found] == [(row, "records_part_202611")]
    for part in ("records_part_202611", "records_part_rest"):
        async with records.engine.begin() as connection:
            enabled = "SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = CAST(:part AS regclass)"
            assert await connection.scalar(text(enabled), {"part": part}) == "O"


async def test_readers_and_writers_notice_nothing_of_rows_that_move(database: Database) -> None:
    """A reader that waited for `rest` alone once missed what had moved out of it."""
    async with database.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE others (LIKE notes) PARTITION BY RANGE (id)"))
        await connection.execute(text("CREATE TABLE others_part_rest PARTITION OF others DEFAULT"))
    over = asyncio.Event()
    done = asyncio.Semaphore(0)

    async def work() -> None:
        while not over.is_set():
            row = {"id": str(id_at(NOON))}
            async with database.engine.begin() as connection:
                await connection.execute(text("INSERT INTO others VALUES (:id, 0)"), row)
                await connection.execute(text("INSERT INTO notes VALUES (:id)"), row)
            for _ in range(3):
                async with database.engine.begin() as connection:
                    found = await connection.execute(
                        text("SELECT 1 FROM notes JOIN others USING (id) WHERE id = :id FOR UPDATE OF notes"),
                        row,
                    )
                    assert found.first() is not None
            done.release()

    async def rounds(many: int) -> None:
        async with asyncio.timeout(60):
            for _ in range(many):
                await done.acquire()

    tasks = [asyncio.create_task(work()) for _ in range(4)]
    await rounds(20)
    await maintain(database, [ByDay("others", "id", keep=DAY, ids=True), NOTES], NOON)
    await rounds(40)
    over.set()
    await asyncio.gather(*tasks)
    assert set((await where(database)).values()) == {"notes_part_20261122"}
