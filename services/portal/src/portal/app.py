"""The composition root of the portal."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.client_keys import key_of
from authkit.jwks import KeySet, fetch_over_http
from contracts.vocabulary import Audience
from portal.base import MIGRATIONS
from portal.descriptions import DESCRIPTIONS
from portal.headers import HeadersMiddleware
from portal.issuer.client import Issuer, Target
from portal.issuer.tokens import IssuedTokens
from portal.pages import endpoints as pages
from portal.pages.serving import PagesApp
from portal.proxying import endpoints as proxying
from portal.proxying.rules import Routes
from portal.proxying.service import Proxy, Upstream
from portal.sessions.pruning import prune
from portal.sessions.renewing import AccessTokens
from portal.sessions.repository import SessionRepository
from portal.sessions.sealing import Sealing
from portal.sessions.service import Lifetimes, Sessions
from portal.sessions.streams import OpenStreams
from portal.settings import Settings
from portal.signing_in import endpoints as signing_in
from portal.signing_in.service import SigningIn
from portal.walls import endpoints as walls
from portal.walls.rules import ROUTES
from portal.walls.service import Walls
from servicekit import design, tracing
from servicekit.app import create_app
from servicekit.background import repeated
from servicekit.cipher import Cipher, Key
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database
from servicekit.shutdown import on_stop

__all__ = ["MIGRATIONS", "build"]

_PRUNE_SECONDS = 600.0
_CONNECTIONS = 500
"""To services at once, and as many to Identity for signing in. Streams of events are not counted: each open
page has one, and they must not leave other calls waiting.
"""
_IDLE_SECONDS = 2.0
"""So long a connection waits for the next call. The services close theirs after five seconds (uvicorn).
A call on a connection that the other side is closing fails.
"""


def listed_routes() -> Routes:
    """Return the operations that pages may call; `routes.json` is generated (`make snapshots`)."""
    return Routes(json.loads((Path(__file__).parent / "proxying" / "routes.json").read_text("utf-8")))


def build(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Assemble the portal."""
    the_clock = clock or SystemClock()
    database = Database(
        settings.database_url,
        plans="force_generic_plan",
        pool_size=settings.database_pool_size,
        waits=settings.database_waits,
    )
    seconds = settings.upstream_timeout_seconds
    http, http_of_issuer = _client(seconds, _CONNECTIONS), _client(seconds, _CONNECTIONS)
    # A stream is silent for as long as nothing happens.
    streams = _client(httpx.Timeout(seconds, read=None), None)
    identity = str(settings.identity_url).rstrip("/")
    keys = KeySet(fetch_over_http(str(settings.jwks_url or f"{identity}/jwks")))
    target = Target(settings.issuer_url, identity)
    key = key_of(Key.parse(settings.client_key.get_secret_value()).secret)
    issuer = Issuer(http_of_issuer, target, the_clock, client_id=settings.client_id, key=key)
    issuer_of_walls = Issuer(http_of_issuer, target, the_clock, client_id=settings.wall_client_id, key=key)
    sealing = Sealing(Cipher(settings.encryption_keys))
    lifetimes = Lifetimes(
        timedelta(seconds=settings.session_idle_seconds), timedelta(seconds=settings.session_absolute_seconds)
    )

    def sessions(session: AsyncSession) -> Sessions:
        return Sessions(SessionRepository(session), sealing, the_clock, lifetimes)

    @asynccontextmanager
    async def background(_: FastAPI) -> AsyncIterator[None]:
        async def pruned() -> None:
            await prune(database, the_clock.now())

        async with http, http_of_issuer, streams, keys.kept_fresh(), open_streams.running():
            with on_stop(proxy.stop):
                async with repeated("sessions.prune", pruned, every=_PRUNE_SECONDS):
                    yield

    app = create_app(
        name="portal",
        title="工作门户",
        settings=settings,
        database=database,
        routers=(signing_in.visited, signing_in.router, walls.router, pages.router),
        background=background,
        clock=the_clock,
        larger_bodies={f"{proxying.PREFIX}/": settings.proxied_body_bytes},
        pages=("/bff",),
        words=DESCRIPTIONS,
        # At the origin of sessions, no page with inline scripts.
        reference_pages=settings.dev,
    )
    app.add_middleware(HeadersMiddleware, reference_pages=settings.dev)
    tokens = AccessTokens(database, issuer, sealing, the_clock)
    open_streams = OpenStreams(database, the_clock)
    app.state.sealing = sealing
    app.state.lifetimes = lifetimes
    app.state.issuer = issuer
    app.state.tokens = tokens
    app.state.signing_in = SigningIn(
        database,
        issuer,
        IssuedTokens(keys, issuer=settings.issuer_url, client_id=settings.client_id),
        sealing,
        the_clock,
        sessions,
        tokens,
        origin=settings.origin,
        issuer_url=settings.issuer_url,
    )
    app.state.upstreams = _upstreams(settings)
    proxy = app.state.proxy = Proxy(http, streams, app.state.upstreams, tokens, open_streams, the_clock)
    app.state.walls = Walls(database, issuer_of_walls, sealing, the_clock, sessions)
    tokens_of_walls = AccessTokens(database, issuer_of_walls, sealing, the_clock)
    proxy_of_walls = Proxy(http, streams, app.state.upstreams, tokens_of_walls, open_streams, the_clock)
    # Before the other, whose prefix it has.
    app.mount(
        proxying.WALLS,
        proxying.ProxyApp(proxy_of_walls, Routes(ROUTES), proxying.WALLS, proxying.of_wall),
    )
    app.mount(proxying.PREFIX, proxying.ProxyApp(proxy, listed_routes()))
    design.install(app)
    # The last one: it has every path that is left.
    app.mount("", PagesApp(settings.pages), name="pages")
    return app


def _client(timeout: float | httpx.Timeout, connections: int | None) -> httpx.AsyncClient:
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=_IDLE_SECONDS
    )
    return httpx.AsyncClient(
        timeout=timeout, limits=limits, follow_redirects=False, trust_env=False, event_hooks=tracing.HOOKS
    )


def _upstreams(settings: Settings) -> dict[Audience, Upstream]:
    reached = {
        Audience.IDENTITY: (settings.identity_url, settings.issuer),
        Audience.OFFICE: (settings.office_url, settings.office_public_url),
        Audience.COCKPIT: (settings.cockpit_url, settings.cockpit_public_url),
    }
    return {
        audience: Upstream(str(url).rstrip("/"), str(known or url).rstrip("/"))
        for audience, (url, known) in reached.items()
    }
