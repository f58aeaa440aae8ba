"""A call on a lane is one transaction; a database that does not answer is 503, and the next call works."""

import asyncio
import struct
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import (
    Boolean,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from libs.servicekit.tests.support.notes_service import Note
from servicekit import lanes
from servicekit.advisory_locks import shared
from servicekit.db import Database
from servicekit.lanes import Lanes, Statement, locking
from servicekit.outages import DatabaseBusy
from servicekit.problems import Problem
from servicekit.wire import as_text

ADD = Statement(
    insert(Note)
    .values(id=bindparam("new", type_=Uuid), title=bindparam("title", type_=Text))
    .returning(Note.title)
)
COUNT = Statement(select(func.count().label("notes")).select_from(Note))
CONNECTION = Statement(text("SELECT pg_backend_pid() AS pid"))
SLEEP = Statement(text("SELECT pg_sleep(10)"))
PLANNED = Statement(
    text(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
        " WHERE statement NOT LIKE '%pg_prepared_statements%' AND name NOT IN ('lane_begin', 'lane_commit')"
        " ORDER BY prepare_time"
    )
)
PUT = Statement(insert(Note).values(id=bindparam("new", type_=Uuid), title=bindparam("title", type_=Text)))
SET = Statement(update(Note).values(title=bindparam("to", type_=Text)))
LOCK = Statement(locking(select(Note.id).with_for_update()))
TITLES = Statement(select(Note.title).order_by(Note.title))
TYPES: dict[str, TypeEngine[Any]] = {
    "word": Text(),
    "words": ARRAY(Text()),
    "key": Uuid(),
    "at": DateTime(timezone=True),
    "raw": LargeBinary(),
    "yes": Boolean(),
    "number": Integer(),
    "nothing": Text(),
}
BAD = Statement(text("SELECT CAST(CAST(:phone AS text) AS smallint)"))


class Kept(Problem):
    keep_changes = True


@pytest_asyncio.fixture
async def own(database: Database) -> AsyncIterator[Lanes]:
    """One connection only."""
    own = Lanes(database._url, database._tell, size=1)
    yield own
    await own.close()


async def add(own: Lanes, title: str) -> None:
    async with own.transaction() as lane:
        row = await lane.first(ADD, {"new": uuid4(), "title": title})
        assert row.title == title
        lane.announce()


async def pid(own: Lanes) -> int:
    async with own.transaction() as lane:
        return int((await lane.first(CONNECTION, {})).pid)


async def waits(database: Database, event: str) -> None:
    """Return when a connection to the database waits for `event`."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = :event"
    )
    async with asyncio.timeout(60), database.engine.connect() as connection:
        while not await connection.scalar(waiting, {"event": event}):
            # PostgreSQL shows the same activity until the end of a transaction.
            await connection.commit()
            await asyncio.sleep(0.01)


async def test_a_call_is_committed_and_then_announced(database: Database, own: Lanes, titles: Any) -> None:
    heard: list[int] = []
    database.after_commit.append(lambda: heard.append(1))
    await add(own, "one")
    await add(own, "two")
    assert await titles() == ["one", "two"]
    assert heard == [1, 1]


async def test_a_single_statement_is_a_transaction_of_its_own(own: Lanes, titles: Any) -> None:
    async def fail(error: Exception) -> None:
        async with own.single() as lane:
            await lane.first(ADD, {"new": uuid4(), "title": "kept"})
            raise error

    before = await pid(own)
    with pytest.raises(ValueError, match="x"):
        await fail(ValueError("x"))
    assert await titles() == ["kept"]
    async with own.single() as lane:
        with pytest.raises(asyncpg.PostgresError):
            await lane.first(BAD, {"phone": "19900001323"})
        assert (await lane.first(COUNT, {})).notes == 1
    assert await pid(own) == before


async def test_a_statement_is_planned_once_for_each_connection(own: Lanes) -> None:
    for number in range(3):
        await add(own, f"note {number}")
    async with own.transaction() as lane:
        await lane.first(COUNT, {})
        planned = await lane.all(PLANNED, {})
    assert [(row.generic_plans, row.custom_plans) for row in planned] == [(3, 0), (1, 0)]


@pytest.mark.parametrize(
    ("error", "kept"), [(ValueError("x"), []), (Problem(), []), (Kept(), ["tried"])], ids=type
)
async def test_an_error_undoes_what_the_call_wrote_unless_it_keeps_it(
    own: Lanes, titles: Any, error: Exception, kept: list[str]
) -> None:
    async def fail() -> None:
        async with own.transaction() as lane:
            await lane.first(ADD, {"new": uuid4(), "title": "tried"})
            raise error

    before = await pid(own)
    with pytest.raises(type(error)):
        await fail()
    assert await titles() == kept
    assert await pid(own) == before
    await add(own, "next")


async def test_a_connection_that_was_lost_is_503_and_replaced(
    database: Database, own: Lanes, titles: Any
) -> None:
    async def lose() -> None:
        async with own.transaction() as lane:
            pid = (await lane.first(CONNECTION, {})).pid
            await lane.first(ADD, {"new": uuid4(), "title": "lost"})
            async with database.transaction() as session:
                await session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            await lane.first(COUNT, {})

    with pytest.raises(DatabaseBusy) as refused:
        await lose()
    assert refused.value.status == 503
    await add(own, "kept")
    assert await titles() == ["kept"]


async def test_a_session_that_the_server_ends_between_statements_is_503_and_replaced(
    own: Lanes, titles: Any
) -> None:
    """The error arrives before the end of the connection is noticed, such as on a busy machine."""
    fields = b"SFATAL\0C57P05\0Mterminating connection due to idle-in-transaction timeout\0\0"
    message = b"E" + struct.pack("!i", len(fields) + 4) + fields

    async def lose() -> None:
        async with own.transaction() as lane:
            await lane.first(ADD, {"new": uuid4(), "title": "lost"})
            assert lane._connection is not None
            lane._connection.driver._protocol.data_received(message)
            await lane.first(COUNT, {})

    with pytest.raises(DatabaseBusy):
        await lose()
    await add(own, "kept")
    assert await titles() == ["kept"]


async def test_a_statement_that_takes_too_long_and_a_full_house_are_503(
    own: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with own.transaction() as lane:
        await lane.first(Statement(text("SET statement_timeout = 200")), {})
    with pytest.raises(DatabaseBusy):
        async with own.transaction() as lane:
            await lane.first(SLEEP, {})
    monkeypatch.setattr(lanes, "WAIT_SECONDS", 0.2)
    async with own.transaction() as lane:
        await lane.first(COUNT, {})
        with pytest.raises(DatabaseBusy):
            await add(own, "no place")
    await add(own, "again")


async def test_a_cancelled_call_leaves_its_connection_to_nobody(
    database: Database, own: Lanes, titles: Any
) -> None:
    async def call() -> None:
        async with own.transaction() as lane:
            await lane.first(ADD, {"new": uuid4(), "title": "cancelled"})
            await lane.first(SLEEP, {})

    task = asyncio.create_task(call())
    await waits(database, "PgSleep")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add(own, "next")
    assert await titles() == ["next"]


class Slow:
    """A connection that does not answer ROLLBACK."""

    def __init__(self, driver: Any, asked: asyncio.Event) -> None:
        self._driver = driver
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def execute(self, command: str) -> None:
        if command == "ROLLBACK":
            self._asked.set()
            await asyncio.Event().wait()
        await self._driver.execute(command)


async def test_a_call_that_is_cancelled_while_it_is_rolled_back_leaves_its_connection_to_nobody(
    own: Lanes, titles: Any
) -> None:
    asked = asyncio.Event()

    async def call() -> None:
        async with own.transaction() as lane:
            await lane.first(ADD, {"new": uuid4(), "title": "cancelled"})
            assert lane._connection is not None
            lane._connection.driver = Slow(lane._connection.driver, asked)
            await lane.first(BAD, {"phone": "x"})

    task = asyncio.create_task(call())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add(own, "next")
    assert await titles() == ["next"]


async def test_a_connection_in_use_when_the_lanes_close_is_closed_after_its_call(own: Lanes) -> None:
    async with own.transaction() as lane:
        await lane.first(COUNT, {})
        assert lane._connection is not None
        driver = lane._connection.driver
        await own.close()
        assert not driver.is_closed()
    assert driver.is_closed()


async def test_a_failed_statement_does_not_quote_its_values(own: Lanes) -> None:
    with pytest.raises(asyncpg.PostgresError) as failed:
        async with own.transaction() as lane:
            await lane.first(BAD, {"phone": "13912345678"})
    assert "139" not in str(failed.value)


async def test_what_follows_a_shared_lock_sees_what_was_committed_before_it(
    database: Database, own: Lanes
) -> None:
    key = UUID(int=7)
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(1, hashtext(:key))"), {"key": str(key)})
        session.add(Note(id=uuid4(), title="before"))

        async def count() -> int:
            async with own.transaction() as lane:
                await lane.lock(shared(1, key))
                return int((await lane.first(COUNT, {})).notes)

        waiting = asyncio.create_task(count())
        await waits(database, "advisory")
        assert not waiting.done()
    assert await waiting == 1


async def test_what_is_sent_ahead_is_part_of_the_transaction(own: Lanes, titles: Any) -> None:
    async def put(title: str, error: Exception | None = None) -> None:
        async with own.transaction() as lane:
            await lane.ahead(PUT, {"new": uuid4(), "title": title})
            assert title in [row.title for row in await lane.all(TITLES, {})]
            await lane.ahead(PUT, {"new": uuid4(), "title": f"{title} again"})
            if error is not None:
                raise error

    before = await pid(own)
    await put("kept")
    with pytest.raises(ValueError, match="x"):
        await put("lost", ValueError("x"))
    assert await titles() == ["kept", "kept again"]
    async with own.transaction() as lane:
        await lane.ahead(PUT, {"new": uuid4(), "title": "nothing else"})
    assert await titles() == ["kept", "kept again", "nothing else"]
    assert await pid(own) == before


async def test_what_fails_ahead_fails_the_next_statement_or_the_commit(own: Lanes, titles: Any) -> None:
    long = {"new": uuid4(), "title": "x" * 100}

    async def before_another() -> None:
        async with own.transaction() as lane:
            await lane.ahead(PUT, {"new": uuid4(), "title": "first"})
            await lane.ahead(PUT, long)
            await lane.first(COUNT, {})

    async def before_the_commit() -> None:
        async with own.transaction() as lane:
            await lane.first(COUNT, {})
            await lane.ahead(PUT, long)

    before = await pid(own)
    with pytest.raises(asyncpg.CheckViolationError):
        await before_another()
    with pytest.raises(asyncpg.CheckViolationError) as failed:
        await before_the_commit()
    assert "xxx" not in str(failed.value)
    assert (await titles(), await pid(own)) == ([], before)


async def test_a_value_that_the_driver_refuses_leaves_nothing_begun(own: Lanes, titles: Any) -> None:
    async def fail() -> None:
        async with own.transaction() as lane:
            await lane.ahead(PUT, {"new": uuid4(), "title": "x" * 100})
            await lane.first(ADD, {"new": uuid4(), "title": 7})

    with pytest.raises(asyncpg.DataError):
        await fail()
    await add(own, "next")
    assert await titles() == ["next"]


async def test_a_lock_ahead_waits_and_what_follows_sees_what_was_committed(
    database: Database, own: Lanes
) -> None:
    await add(own, "before")

    async def read() -> list[str]:
        async with own.transaction() as lane:
            await lane.ahead(LOCK, {})
            return [row.title for row in await lane.all(TITLES, {})]

    async with database.transaction() as session:
        await session.execute(SET.element, {"to": "after"})
        waiting = asyncio.create_task(read())
        await waits(database, "transactionid")
        assert not waiting.done()
    assert await waiting == ["after"]


async def test_values_arrive_ahead_as_the_driver_sends_them(own: Lanes) -> None:
    values = {
        "word": '它说："\\N", {NULL}\n\'',
        "words": ["a,b", 'quoted "x"', "back\\slash", "{}", "", "NULL", None, "学"],
        "key": uuid4(),
        "at": datetime(2026, 11, 27, 8, 1, 2, 345678, tzinfo=timezone(timedelta(hours=8))),
        "raw": b"\x00\xff\\",
        "yes": True,
        "number": -7,
        "nothing": None,
    }
    array = "jsonb_build_array(:word, :words, :key, :at, :raw, :yes, :number, :nothing)"
    typed = [bindparam(name, type_=type_) for name, type_ in TYPES.items()]
    same = text(f"INSERT INTO notes (id, title) VALUES (gen_random_uuid(), md5(CAST({array} AS text)))")
    told = text(f"SELECT md5(CAST({array} AS text)) AS title")
    async with own.transaction() as lane:
        await lane.ahead(Statement(same.bindparams(*typed)), values)
        expected = (await lane.first(Statement(told.bindparams(*typed)), values)).title
        assert [row.title for row in await lane.all(TITLES, {})] == [expected]


async def test_a_value_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(TypeError):
        as_text(1.5)
