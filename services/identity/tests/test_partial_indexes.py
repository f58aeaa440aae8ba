"""Rows that partial indexes are made for are found through them, generic plans and all."""

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from servicekit.db import Database
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration
from testkit.waiting import moments

ADMIN = "19900001323"  # 历下区 370102
SCANS = text("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = :name")
# A year of decided requests for every pending one.
DECIDED = """
    WITH invite AS (
        INSERT INTO invites
            (id, unit_id, code_hash, roles, created_by, created_at, expires_at, max_uses, uses)
        SELECT gen_random_uuid(), id, 'x', '{handler}', gen_random_uuid(), now(), now(), 1, 1
        FROM units WHERE code = '370102' RETURNING id, unit_id
    )
    INSERT INTO join_requests (id, account_id, unit_id, invite_id, roles, status, requested_at)
    SELECT gen_random_uuid(), (SELECT id FROM accounts LIMIT 1), invite.unit_id, invite.id, '{handler}',
        CASE n WHEN 0 THEN 'pending' ELSE 'approved' END, now()
    FROM invite, generate_series(0, 5000) n
"""

OTHERS = """
    INSERT INTO accounts (id, name, phone_sealed, phone_index, phone_masked, phone_verified_at, status,
        version, registered_at)
    SELECT gen_random_uuid(), 'x', 'x', n::text::bytea, '138****0000', now(), 'active', 1, now()
    FROM generate_series(1, 5000) n
"""


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def scans_of(database: Database, index: str) -> int:
    """How often an index has been used. Connections tell what they have counted when they are closed."""
    await database.engine.dispose()
    async with database.transaction() as session:
        found: int | None = await session.scalar(SCANS, {"name": index})
    assert found is not None
    return found


async def used(database: Database, index: str, *, since: int = 0) -> bool:
    """Whether an index has been used. A closed connection is ended by the server a moment later."""
    async for _ in moments():
        if await scans_of(database, index) > since:
            return True
    return False


async def vacuumed(database: Database, table: str) -> None:
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text(f"VACUUM ANALYZE {table}"))


async def test_pending_join_requests_are_listed_from_an_index_of_pending_ones(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    database, browser = app.state.database, new_browser()
    async with database.transaction() as session:
        await session.execute(text(DECIDED))
    await vacuumed(database, "join_requests")
    headers = await browser.bearer(ADMIN)
    listed = await browser.http.get("/api/v1/join-requests", headers=headers)
    assert len(listed.json()["items"]) == 1
    assert await used(database, "ix_join_requests_pending")


async def test_an_account_is_found_by_the_index_of_its_phone_number(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    """The table was once read from end to end for each sign-in: its status was compared with a parameter."""
    database, browser = app.state.database, new_browser()
    async with database.transaction() as session:
        await session.execute(text(OTHERS))
    await vacuumed(database, "accounts")
    before = await scans_of(database, "uq_accounts_phone_index")
    assert (await browser.ask_for_code(ADMIN)).status_code == 200
    assert await used(database, "uq_accounts_phone_index", since=before)
