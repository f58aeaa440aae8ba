"""Cockpit in this process, and clients that call it without sockets."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from authkit.jwks import KeySet
from cockpit.app import build
from cockpit.base import AUDIENCE
from cockpit.models import Unit
from cockpit.settings import Settings
from messaging.inprocess import InProcessBus
from servicekit import logs
from testkit.tokens import TokenFactory

ISSUER = "http://identity.zhuxue.bench"


@dataclass(frozen=True)
class Served:
    """A running Cockpit."""

    app: FastAPI
    http: httpx.AsyncClient
    tokens: TokenFactory

    def bearer(self, unit: Unit) -> dict[str, str]:
        """Return the header of a person of a unit."""
        claims: dict[str, Any] = {
            "unit": str(unit.id),
            "unit_path": unit.path,
            "level": unit.level,
            "kind": "student_aid",
            "roles": ["handler"],
            "entitlements": ["cockpit"],
            "scope": "openid cockpit:read cockpit:write",
        }
        return {"Authorization": f"Bearer {self.tokens.access_token(**claims)}"}


@contextlib.asynccontextmanager
async def served(url: str, folder: str) -> AsyncIterator[Served]:
    """Start Cockpit on a migrated database and a folder for chDB."""
    logs.configure(json=True, level="CRITICAL")
    tokens = TokenFactory(issuer=ISSUER, audience=AUDIENCE)

    async def fetch() -> dict[str, Any]:
        return tokens.jwks()

    settings = Settings(
        mode="dev",
        database_url=url,
        issuer=ISSUER,
        identity_url=ISSUER,
        client_id="cockpit",
        client_secret=SecretStr("not-used-here"),
        analytics_dsn=f"chdb://{folder}",
        # Figures are compared with those of the facts, however small.
        hide_small_cells=False,
    )
    app = build(settings, bus=InProcessBus(), keys=KeySet(fetch))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://bench", timeout=600
        ) as http,
    ):
        yield Served(app, http, tokens)
