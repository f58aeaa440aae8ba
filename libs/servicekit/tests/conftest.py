"""A service in miniature on a real database."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import func, select

from libs.servicekit.tests.support.notes_service import Note, create_tables, idempotency_keys, service
from servicekit import logs
from servicekit.db import Database
from testkit.plugin import DatabaseFactory


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    logs.configure(json=True, level="INFO")


@pytest_asyncio.fixture
async def database_url(database_factory: DatabaseFactory) -> str:
    return await database_factory("notes", create_tables)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's own connection: sees what is committed and nothing else."""
    database = Database(database_url, plans="force_custom_plan", pool_size=2)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    app = service(database_url, max_body_bytes=2048, cors_origins=["https://portal.zhuxue.test"])
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    # As a server does it: the answer of a defect is sent, the exception goes to the server's log.
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://notes.test") as client:
        yield client


@pytest.fixture
def titles(database: Database) -> Any:
    """The titles of the notes that are committed."""

    async def read() -> list[str]:
        async with database.transaction() as session:
            return list(await session.scalars(select(Note.title).order_by(Note.title)))

    return read


@pytest.fixture
def keys(database: Database) -> Any:
    """The number of idempotency keys that are committed."""

    async def read() -> int:
        async with database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(idempotency_keys)) or 0

    return read
