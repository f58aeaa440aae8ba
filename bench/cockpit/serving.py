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
        return {"Authorization": bearer(self.tokens, unit)}


def new_tokens() -> TokenFactory:
    """Return a maker of tokens that Cockpit accepts with `settings_of`."""
    return TokenFactory(issuer=ISSUER, audience=AUDIENCE)


def bearer(tokens: TokenFactory, unit: Unit) -> str:
    """Return the credentials of a person of a unit, for days: a bench may take hours."""
    claims: dict[str, Any] = {
        "unit": str(unit.id),
        "unit_path": unit.path,
        "level": unit.level,
        "kind": "student_aid",
        "roles": ["handler"],
        "entitlements": ["cockpit"],
        "scope": "openid cockpit:read cockpit:write",
        "exp": 2**33,
    }
    return f"Bearer {tokens.access_token(**claims)}"


def settings_of(url: str, folder: str, *, hide_small_cells: bool) -> Settings:
    """Return the settings of Cockpit with chDB in a folder."""
    return Settings(
        mode="dev",
        database_url=url,
        issuer=ISSUER,
        identity_url=ISSUER,
        client_id="cockpit",
        client_secret=SecretStr("not-used-here"),
        analytics_dsn=f"chdb://{folder}",
        hide_small_cells=hide_small_cells,
    )


@contextlib.asynccontextmanager
async def served(url: str, folder: str) -> AsyncIterator[Served]:
    """Start Cockpit on a migrated database and a folder for chDB."""
    logs.configure(json=True, level="CRITICAL")
    tokens = new_tokens()

    async def fetch() -> dict[str, Any]:
        return tokens.jwks()

    # Figures are compared with those of the facts, however small.
    settings = settings_of(url, folder, hide_small_cells=False)
    app = build(settings, bus=InProcessBus(), keys=KeySet(fetch))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://bench", timeout=600
        ) as http,
    ):
        yield Served(app, http, tokens)
