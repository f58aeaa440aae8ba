"""A request gives its connection back before it waits for something else."""

import asyncio

import pytest
from sqlalchemy import select

from libs.servicekit.tests.support.notes_service import Note
from servicekit.db import Database, announce, on_commit, release
from servicekit.ids import new_id
from servicekit.problems import Problem


async def test_a_released_session_holds_no_connection_and_what_it_wrote_is_committed(
    database: Database,
) -> None:
    calls: list[str] = []
    database.after_commit.append(lambda: calls.append("announced"))
    async with database.transaction() as session:
        session.add(Note(id=new_id(), title="first"))
        announce(session)
        on_commit(session, lambda: calls.append("called"))
        await session.flush()
        assert database.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
        await release(session)
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        assert calls == ["called", "announced"]
        async with database.transaction() as other:
            assert (await other.scalars(select(Note.title))).all() == ["first"]
    assert calls == ["called", "announced"]


async def test_after_a_release_a_refusal_undoes_only_what_was_written_since(database: Database) -> None:
    async def refused() -> None:
        async with database.transaction() as session:
            session.add(Note(id=new_id(), title="before"))
            await release(session)
            session.add(Note(id=new_id(), title="after"))
            await session.flush()
            raise Problem

    with pytest.raises(Problem):
        await refused()
    async with database.transaction() as session:
        assert (await session.scalars(select(Note.title))).all() == ["before"]


async def test_readiness_does_not_wait_for_the_pool(database_url: str) -> None:
    database = Database(database_url, plans="force_custom_plan", pool_size=1)
    try:
        async with database.engine.connect(), database.engine.connect():
            await asyncio.wait_for(database.ping(), 10)
    finally:
        await database.close()
