"""The service as a whole: it starts and is ready."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from authkit.jwks import KeySet
from messaging.inprocess import InProcessBus
from sample.app import AUDIENCE, build
from sample.base import MIGRATIONS
from sample.settings import Settings
from servicekit.migrations import upgrade
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory
from testkit.tokens import TokenFactory


async def migrate(url: str) -> None:
    await upgrade(MIGRATIONS, url)


@pytest_asyncio.fixture
async def app(database_factory: DatabaseFactory) -> AsyncIterator[FastAPI]:
    tokens = TokenFactory(audience=AUDIENCE)

    async def jwks() -> dict[str, Any]:
        return tokens.jwks()

    settings = Settings.model_validate(
        {
            "mode": "dev",
            "database_url": await database_factory("sample", migrate),
            "issuer": tokens.issuer,
            "identity_url": "http://127.0.0.1:9",
            "client_id": "sample",
            "client_secret": "unused",
        }
    )
    clock = FrozenClock(datetime(2023, 5, 8, 1, tzinfo=UTC))
    app = build(settings, bus=InProcessBus(), clock=clock, keys=KeySet(jwks))
    async with app.router.lifespan_context(app):
        yield app


async def test_the_service_is_ready(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sample.test") as http:
        ready = await http.get("/readyz")
    assert ready.json() == {"status": "ok", "checks": {"database": "ok", "bus": "ok"}}
