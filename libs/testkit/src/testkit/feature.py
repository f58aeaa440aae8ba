"""An application of one feature's routers, for isolated tests of the feature.

Requests pass what every service has: token checks, transactions, idempotency keys, problem details. What the
feature needs of the rest of its service (events consumed, replicas) is for the service's own tests.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import APIRouter, FastAPI
from sqlalchemy import Table

from authkit.jwks import KeySet
from authkit.tokens import TokenVerifier
from servicekit import logs
from servicekit.app import create_app
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.settings import ServiceSettings
from testkit.tokens import TokenFactory


class Place:
    """A unit that tokens name: its code, its path by authority, and an id of its own."""

    def __init__(self, code: str, path: str) -> None:
        self.code = code
        self.path = path
        self.id: UUID = uuid4()


@dataclass
class RunningFeature:
    """The application, and HTTP clients of people who act for units."""

    app: FastAPI
    tokens: TokenFactory
    scope: str

    def person(self, place: Place, *roles: str, **claims: Any) -> httpx.AsyncClient:
        """Return a client of a new person with `roles` in the unit at `place`."""
        mine = {
            "unit": str(place.id),
            "unit_path": place.path,
            "roles": list(roles),
            "scope": self.scope,
            **claims,
        }
        return self._client({"Authorization": f"Bearer {self.tokens.access_token(**mine)}"})

    def anonymous(self) -> httpx.AsyncClient:
        """Return a client without a token."""
        return self._client({})

    def _client(self, headers: dict[str, str]) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://feature.test", headers=headers)


@asynccontextmanager
async def running(
    database_url: str,
    *routers: APIRouter,
    audience: str,
    scope: str,
    clock: Clock,
    idempotency_keys: Table | None = None,
) -> AsyncIterator[RunningFeature]:
    """Serve the routers on a migrated database, with tokens for `audience` and `scope`."""
    # Unconfigured, structlog draws an error with every local variable, which takes seconds.
    logs.configure(json=True, level="WARNING")
    tokens = TokenFactory(audience=audience)

    async def jwks() -> dict[str, Any]:
        return tokens.jwks()

    settings = ServiceSettings.model_validate(
        {"mode": "dev", "database_url": database_url, "issuer": tokens.issuer}
    )
    app = create_app(
        name="feature",
        title="feature",
        settings=settings,
        database=Database(database_url, plans="force_custom_plan", pool_size=2),
        routers=routers,
        idempotency_table=idempotency_keys,
        clock=clock,
    )
    keys = KeySet(jwks)
    app.state.verifier = TokenVerifier(issuer=settings.issuer_url, audience=audience, keys=keys)
    async with app.router.lifespan_context(app):
        await keys.refresh()
        yield RunningFeature(app, tokens, scope)
