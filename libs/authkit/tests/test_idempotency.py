"""An idempotency key belongs to the authenticated subject, wherever the endpoint names its caller."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import create_async_engine

from authkit.dependencies import Authenticated
from authkit.idempotency import Idempotent
from authkit.tokens import TokenVerifier
from servicekit import idempotency as keys
from servicekit import problems
from servicekit.db import Database, new_metadata
from servicekit.ids import new_id
from testkit.plugin import DatabaseFactory
from testkit.tokens import TokenFactory

METADATA = new_metadata()
KEYS: Table = keys.make_idempotency_table(METADATA)


class Made(BaseModel):
    id: str


async def create_tables(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()


@pytest.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    url = await database_factory("authkit_idempotency", create_tables)
    database = Database(url, plans="force_custom_plan", pool_size=2)
    yield database
    await database.close()


@pytest.fixture
async def client(verifier: TokenVerifier, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.verifier, app.state.database, app.state.idempotency_table = verifier, database, KEYS
    problems.install(app)
    app.add_exception_handler(keys.Replayed, keys.on_replayed)

    @app.post("/key-first")
    async def key_first(idempotency: Idempotent, caller: Authenticated) -> Any:
        return await idempotency.keep(Made(id=str(new_id())))

    @app.post("/caller-first")
    async def caller_first(caller: Authenticated, idempotency: Idempotent) -> Any:
        return await idempotency.keep(Made(id=str(new_id())))

    @app.post("/key-only")
    async def key_only(idempotency: Idempotent) -> Any:
        return await idempotency.keep(Made(id=str(new_id())))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client


def headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": "0190-retry-me"}


@pytest.mark.parametrize("path", ["/key-first", "/caller-first", "/key-only"])
async def test_a_key_belongs_to_the_subject_and_not_to_its_token(
    client: httpx.AsyncClient, issuer: TokenFactory, path: str
) -> None:
    first = await client.post(path, headers=headers(issuer.access_token(sub="zhang")))
    refreshed = await client.post(path, headers=headers(issuer.access_token(sub="zhang")))
    other = await client.post(path, headers=headers(issuer.access_token(sub="li")))
    assert [answer.status_code for answer in (first, refreshed, other)] == [201] * 3
    assert refreshed.headers["Idempotency-Replayed"] == "true"
    assert refreshed.json() == first.json()
    assert other.json() != first.json()


@pytest.mark.parametrize("path", ["/key-first", "/caller-first", "/key-only"])
async def test_without_a_subject_no_key_is_claimed(
    client: httpx.AsyncClient, database: Database, issuer: TokenFactory, path: str
) -> None:
    for token in (None, "nonsense", issuer.expired()):
        refused = await client.post(path, headers=headers(token) if token else {"Idempotency-Key": "0190-me"})
        assert refused.status_code == 401
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(KEYS)) == 0
