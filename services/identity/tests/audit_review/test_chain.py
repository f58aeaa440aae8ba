"""Seals of the audit log, and what verification says of each change to it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from identity import cli_audit
from identity.audit_review.jobs import seal_due
from identity.audit_review.repository import AuditReader
from identity.audit_review.rules import WINDOW, window_of
from identity.audit_review.verification import Verifier
from identity.keys.ring import KeyRing
from servicekit.db import Database
from servicekit.ids import first_id, id_at
from servicekit.partitions import ByMonth
from testkit.clock import FrozenClock

INSERT = text(
    "INSERT INTO audit_log (id, at, actor, action, target_id, correlation_id, details)"
    " VALUES (:id, :at, 'a', 'test', 't', NULL, '{\"数\": 1, \"x\": [true, null]}')"
)
# What somebody with access to the database can do.
ROW = "id = (SELECT id FROM audit_log ORDER BY id OFFSET {} LIMIT 1)"
UNGUARDED = "SET session_replication_role = replica"


@pytest.fixture
async def start(app: FastAPI) -> datetime:
    """The start of a window, of which and before which there are no rows but those of tests."""
    start, _ = window_of(datetime.now(UTC) - timedelta(hours=6))
    async with app.state.database.transaction() as session:
        await session.execute(text(UNGUARDED))
        await session.execute(text("DELETE FROM audit_log"))
    return start


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
def ring(app: FastAPI) -> KeyRing:
    found: KeyRing = app.state.key_ring
    return found


async def add(database: Database, at: datetime, rows: int = 1) -> None:
    async with database.transaction() as session:
        for _ in range(rows):
            await session.execute(INSERT, {"id": id_at(at), "at": at})


async def unguarded(database: Database, statement: str, **values: Any) -> None:
    async with database.transaction() as session:
        await session.execute(text(UNGUARDED))
        await session.execute(text(statement), values)


async def findings(database: Database, ring: KeyRing, clock: FrozenClock) -> list[tuple[int | None, str]]:
    verifier = Verifier(database, ring, clock)
    return [(found.number, found.what) async for found in verifier.findings()]


async def seals(database: Database) -> list[Any]:
    async with database.transaction() as session:
        return list((await session.execute(text("SELECT * FROM audit_seals ORDER BY number"))).all())


@pytest.fixture
async def chain(database: Database, ring: KeyRing, start: datetime, clock: FrozenClock) -> datetime:
    """Three sealed batches of five rows; between the second and the third is an empty window."""
    for number in (0, 1, 3):
        await add(database, start + number * WINDOW + timedelta(minutes=1), rows=5)
    assert await seal_due(database, ring, clock) == 3
    return start


async def test_batches_are_linked_windows_with_rows(database: Database, chain: datetime) -> None:
    found = await seals(database)
    assert [(seal.number, seal.rows) for seal in found] == [(1, 5), (2, 5), (3, 5)]
    ends = [chain + n * WINDOW for n in (1, 2, 4)]
    assert [seal.until_id for seal in found] == [first_id(end) for end in ends]
    assert found[2].from_id == found[1].until_id, "the empty window is part of the next batch"
    assert [seal.previous_digest for seal in found] == [None, found[0].digest, found[1].digest]


async def test_an_untouched_log_is_intact(
    database: Database, ring: KeyRing, clock: FrozenClock, chain: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    await add(database, datetime.now(UTC))
    assert await cli_audit.run(database, ring, clock) == 0
    out = capsys.readouterr().out
    assert "3 seals, 15 rows verified, 0 batches archived, 1 rows not sealed yet" in out
    assert out.endswith("intact\n")


@pytest.mark.parametrize(
    ("statement", "number", "what"),
    [
        (f"UPDATE audit_log SET actor = 'b' WHERE {ROW.format(0)}", 1, "changed"),
        (f"UPDATE audit_log SET details = '{{}}' WHERE {ROW.format(7)}", 2, "changed"),
        (f"DELETE FROM audit_log WHERE {ROW.format(14)}", 3, "1 rows are missing"),
        ("DELETE FROM audit_seals WHERE number = 2", 3, "the seals 2 to 2 are missing"),
        ("DELETE FROM audit_seals WHERE number = 1", 2, "the seals 1 to 1 are missing"),
        ("UPDATE audit_seals SET rows = 6 WHERE number = 2", 2, "not signed"),
        ("UPDATE audit_seals SET signature = NULL WHERE number = 3", 3, "not signed"),
        ("DELETE FROM audit_seals WHERE number = 3", None, "have no seal"),
    ],
    ids=["row", "details", "deleted", "seal", "first seal", "count", "signature", "last seal"],
)  # fmt: skip
async def test_the_first_broken_batch_is_named(
    database: Database,
    ring: KeyRing,
    clock: FrozenClock,
    chain: datetime,
    statement: str,
    number: int | None,
    what: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await unguarded(database, statement)
    assert await cli_audit.run(database, ring, clock) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("FIRST BROKEN " + ("" if number is None else f"batch {number}: "))
    assert what in first


async def test_rows_that_are_added_later_are_found(
    database: Database, ring: KeyRing, clock: FrozenClock, chain: datetime
) -> None:
    await add(database, chain + WINDOW + timedelta(minutes=2))
    assert await findings(database, ring, clock) == [(2, "1 rows were added after the seal")]
    await add(database, chain - timedelta(days=1))
    assert (1, "rows were added before the first seal") in await findings(database, ring, clock)


async def test_a_chain_that_somebody_computed_anew_has_no_valid_signature(
    database: Database, ring: KeyRing, clock: FrozenClock, chain: datetime
) -> None:
    """With access to the database, but without the key."""
    await unguarded(database, "UPDATE audit_log SET actor = 'b'")
    kept = [seal.signature for seal in await seals(database)]
    await unguarded(database, "DELETE FROM audit_seals")
    await seal_due(database, ring, clock)
    for seal, signature in zip(await seals(database), kept, strict=True):
        await unguarded(
            database, "UPDATE audit_seals SET signature = :s WHERE number = :n", s=signature, n=seal.number
        )
    assert {what for _, what in await findings(database, ring, clock)} == {
        "the seal is not signed by a key of this issuer"
    }


async def test_a_window_waits_for_grace_and_for_transactions_that_began_in_it(
    database: Database, ring: KeyRing, start: datetime, clock: FrozenClock
) -> None:
    recent = FrozenClock(start + WINDOW + timedelta(minutes=9))
    await add(database, start + timedelta(minutes=1))
    assert await seal_due(database, ring, recent) == 0, "within the grace"
    recent.advance(timedelta(minutes=2))
    assert await seal_due(database, ring, recent) == 1


async def test_an_open_transaction_delays_the_seal(
    app: FastAPI,
    database: Database,
    ring: KeyRing,
    start: datetime,
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have made ids in the window that it has not committed yet."""
    other = Database(app.state.settings.database_url, plans="force_custom_plan")
    async with other.transaction() as session:
        began = await session.scalar(text("SELECT now()"))
        async with database.transaction() as mine:
            oldest = await AuditReader(mine).oldest_transaction()
        assert oldest is not None
        assert oldest <= began
    await other.close()

    async def in_the_window(_: object) -> datetime:
        return start + timedelta(minutes=5)

    await add(database, start)
    recent = FrozenClock(start + timedelta(minutes=40))
    monkeypatch.setattr(AuditReader, "oldest_transaction", in_the_window)
    assert await seal_due(database, ring, recent) == 0
    recent.advance(timedelta(hours=1))
    assert await seal_due(database, ring, recent) == 1, "it delays an hour at most"


async def test_two_processes_seal_a_window_once(
    database: Database, ring: KeyRing, start: datetime, clock: FrozenClock
) -> None:
    for number in range(4):
        await add(database, start + number * WINDOW)
    counts = await asyncio.gather(*(seal_due(database, ring, clock) for _ in range(3)))
    while sum(counts) < 4:
        counts.append(await seal_due(database, ring, clock))
    assert [seal.number for seal in await seals(database)] == [1, 2, 3, 4]
    assert await findings(database, ring, clock) == []


async def test_many_rows_are_read_in_pages(
    database: Database,
    ring: KeyRing,
    start: datetime,
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("identity.audit_review.repository.PAGE", 3)
    await add(database, start, rows=10)
    await seal_due(database, ring, clock)
    assert [seal.rows for seal in await seals(database)] == [10]
    assert await findings(database, ring, clock) == []


async def test_a_month_is_dropped_after_six_months_only(
    database: Database, ring: KeyRing, start: datetime, clock: FrozenClock
) -> None:
    month = ByMonth.start(start)
    await add(database, start, rows=3)
    with pytest.raises(cli_audit.Refused, match="six months"):
        await cli_audit.drop_month(database, FrozenClock(start + timedelta(days=180)), month)
    later = FrozenClock(start + timedelta(days=230))
    with pytest.raises(cli_audit.Refused, match="not sealed"):
        await cli_audit.drop_month(database, later, month)
    await seal_due(database, ring, clock)
    following = ByMonth.following(month)
    with pytest.raises(cli_audit.Refused, match="first"):
        await cli_audit.drop_month(database, FrozenClock(start + timedelta(days=400)), following)
    await cli_audit.drop_month(database, later, month)
    verifier = Verifier(database, ring, clock)
    assert [found async for found in verifier.findings()] == []
    assert verifier.summary.archived == 1


async def test_a_month_that_is_gone_without_a_record_is_found(
    database: Database, ring: KeyRing, start: datetime, clock: FrozenClock, chain: datetime
) -> None:
    await unguarded(database, f"DROP TABLE audit_log_part_{start:%Y%m}")
    found = await findings(database, ring, clock)
    assert found == [(1, f"the rows of {start:%Y%m} are gone without a record")]
