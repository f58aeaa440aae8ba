"""A call on a lane that needs a session is made again in one, and has changed nothing before."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.servicekit.tests.support.notes_service import Note
from libs.servicekit.tests.test_lanes import BAD, PUT, TITLES
from servicekit.db import Database
from servicekit.lane_sessions import after_commit, keep, lane_of, on_lane, runner_of, savepoint
from servicekit.problems import Problem


async def put(session: AsyncSession, title: str) -> None:
    await runner_of(session).ahead(PUT, {"new": uuid4(), "title": title})


async def test_what_needs_no_session_runs_on_the_lane(database: Database, titles: Any) -> None:
    called: list[str] = []

    async def call(session: AsyncSession) -> str:
        assert lane_of(session) is not None
        await put(session, "on a lane")
        after_commit(session, lambda: called.append("committed"))
        assert called == []
        return "answer"

    assert await on_lane(database, call) == "answer"
    assert (await titles(), called) == (["on a lane"], ["committed"])


async def test_what_needs_a_session_is_done_once_and_in_one(database: Database, titles: Any) -> None:
    called: list[str] = []

    async def call(session: AsyncSession) -> None:
        await put(session, "once")
        after_commit(session, lambda: called.append("committed"))
        assert await session.scalar(select(Note.title)) == "once"

    await on_lane(database, call)
    assert (await titles(), called) == (["once"], ["committed"])


async def undone(session: AsyncSession, title: str, *, read: bool = False, fail: bool = False) -> None:
    async with savepoint(session):
        await put(session, title)
        if read:
            assert title in [row.title for row in await runner_of(session).all(TITLES, {})]
        if fail:
            await runner_of(session).first(BAD, {"phone": "13800000000"})
        raise Problem


@pytest.mark.parametrize("needs_session", [False, True], ids=["lane", "session"])
async def test_a_savepoint_undoes_its_part_only(
    database: Database, titles: Any, *, needs_session: bool
) -> None:
    async def call(session: AsyncSession) -> None:
        if needs_session:
            await session.connection()
        await put(session, "before")
        with pytest.raises(Problem):
            await undone(session, "not sent")
        with pytest.raises(Problem):
            await undone(session, "sent", read=True)
        async with savepoint(session):
            await put(session, "kept")
        await put(session, "thereafter")

    await on_lane(database, call)
    assert await titles() == ["before", "kept", "thereafter"]


async def test_a_savepoint_undoes_what_the_database_refused(database: Database, titles: Any) -> None:
    async def call(session: AsyncSession) -> None:
        with pytest.raises(asyncpg.PostgresError):
            await undone(session, "refused", fail=True)
        # A statement that the connection has not prepared before.
        assert await runner_of(session).all(TITLES, {}) == []
        await put(session, "kept")

    await on_lane(database, call)
    assert await titles() == ["kept"]


@pytest.mark.parametrize("needs_session", [False, True], ids=["lane", "session"])
async def test_what_is_kept_stays_whatever_becomes_of_the_rest(
    database: Database, titles: Any, *, needs_session: bool
) -> None:
    called: list[str] = []

    async def call(session: AsyncSession) -> None:
        if needs_session:
            await session.connection()
        await put(session, "kept")
        after_commit(session, lambda: called.append("committed"))
        await keep(session)
        assert called == ["committed"]
        await put(session, "lost")
        raise Problem

    with pytest.raises(Problem):
        await on_lane(database, call)
    assert (await titles(), called) == (["kept"], ["committed"])
