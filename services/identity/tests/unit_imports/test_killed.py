"""An import of 20,000 units whose worker is killed twice ends as one that was left in peace."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.identity.tests.support.running_identity import NewBrowser, running
from services.identity.tests.unit_imports import worker_process
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory
from testkit.postgres import Migration

from .test_import_files import COUNTY_ADMIN, Importer, counts, csv_of, school

ROWS = 20_000


@pytest.fixture
async def url(database_factory: DatabaseFactory, one_line: Migration) -> str:
    return await database_factory("identity", one_line)


@pytest.fixture
async def app(url: str, clock: FrozenClock, issuer: str) -> AsyncIterator[FastAPI]:
    """Identity without jobs: the workers are other processes."""
    async with running(url, clock, issuer, run_jobs=False, access_token_seconds=900) as application:
        yield application


@asynccontextmanager
async def worker(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        worker_process.__name__,
        url,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    try:
        yield process
    finally:
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()


async def until(process: asyncio.subprocess.Process, word: str, times: int) -> None:
    """Read what a worker says."""
    assert process.stdout is not None
    while times:
        line = (await process.stdout.readline()).decode().strip()
        assert line, "the worker has ended"
        times -= line == word


async def ended(county: Importer, process: asyncio.subprocess.Process, id_: str) -> Any:
    """Wait for the end of a step, and let the worker talk."""
    for _ in range(3_000):
        found = (await county.call("GET", f"/unit-imports/{id_}")).json()
        if found["status"] not in ("checking", "applying"):
            return found
        with suppress(TimeoutError):
            assert process.stdout is not None
            await asyncio.wait_for(process.stdout.readline(), 0.1)
    raise AssertionError(found)


async def test_an_import_killed_while_it_reads_and_while_it_applies_ends_the_same(
    app: FastAPI, url: str, clock: FrozenClock, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    county = Importer(app, browser, await browser.bearer(COUNTY_ADMIN), clock)
    # Every tenth unit stands below the one before it.
    rows = [
        school(number, code=f"S{number:08d}")
        if number % 10
        else school(
            number, f"S{number + 1:08d}", code=f"S{number:08d}", level="院系／中心校", kind="院系／中心校"
        )
        for number in range(ROWS)
    ]
    upload = await county.upload(csv_of(*rows))
    id_ = upload.json()["id"]
    async with worker(url) as first:
        await until(first, "read", 7)
    async with app.state.database.transaction() as session:
        staged = (await session.execute(text("SELECT count(*) FROM unit_import_rows"))).scalar_one()
    assert 0 < staged < ROWS
    async with worker(url) as second:
        found = await ended(county, second, id_)
        assert counts(found) == {"total": ROWS, "new": ROWS}
        assert (await county.call("POST", f"/unit-imports/{id_}/apply", json={})).status_code == 202
    async with worker(url) as third:
        await until(third, "applied", 6)
    half = (await county.call("GET", f"/unit-imports/{id_}")).json()
    assert half["status"] == "applying"
    assert 0 < half["applied"] < ROWS
    async with worker(url) as fourth:
        done = await ended(county, fourth, id_)
        assert (done["status"], done["applied"], done["refused"]) == ("done", ROWS, 0)
        async with app.state.database.transaction() as session:
            units = await session.execute(
                text(
                    "SELECT count(*), count(DISTINCT u.id), bool_and(u.version = 1 AND c.kind = 'opened'),"
                    " bool_and(u.path ~ ('*.' || u.code)::lquery), count(*) FILTER (WHERE nlevel(u.path) = 6)"
                    " FROM units u JOIN unit_changes c ON c.unit_id = u.id WHERE u.code LIKE 'S0%'"
                )
            )
            assert tuple(units.one()) == (ROWS, ROWS, True, True, ROWS // 10)
        again = await county.upload(csv_of(*rows))
        found = await ended(county, fourth, again.json()["id"])
        assert counts(found) == {"total": ROWS, "unchanged": ROWS}
