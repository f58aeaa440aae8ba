"""CORS of browser-only clients: the origins they register, where their scripts may call, and until when."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncSession

from identity.app import build
from identity.clients.origins import Origins
from identity.clients.repository import allowed_origins
from messaging.inprocess import InProcessBus
from servicekit.db import Database
from servicekit.outages import Waits
from services.identity.tests.support.registry import COUNTY_ADMIN, Admin, AdminOf
from testkit.clock import FrozenClock
from testkit.outages import linked

SPA = "https://spa.example.cn"
PUBLIC = {"token_endpoint_auth_method": "none", "redirect_uris": [f"{SPA}/"], "allowed_origins": [SPA]}
PREFLIGHT = {"origin": SPA, "access-control-request-method": "POST"}


@pytest.fixture
async def other(app: FastAPI, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:
    """Another process of the issuer, without origins in its settings and not for development."""
    settings = app.state.settings.model_copy(update={"run_jobs": False, "cors_origins": []})
    another = build(settings, InProcessBus(), clock)
    async with (
        another.router.lifespan_context(another),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=another), base_url="http://localhost:8001"
        ) as http,
    ):
        yield http


async def allowed(http: httpx.AsyncClient, path: str = "/token", origin: str = SPA) -> bool:
    """Whether a preflight and the request itself are answered for the origin; both or none."""
    asked = await http.options(path, headers=PREFLIGHT | {"origin": origin})
    answer = await http.request("GET", path, headers={"origin": origin})
    given = [one.headers.get("access-control-allow-origin") for one in (asked, answer)]
    assert given in ([origin] * 2, [None] * 2)
    for one in (asked, answer):
        assert "access-control-allow-credentials" not in one.headers
    return given[0] is not None


async def ended(admin: Admin, client_id: str, how: str) -> None:
    if how == "DELETE":
        answer = await admin.call("DELETE", f"/clients/{client_id}", headers={"If-Match": "*"})
    else:
        answer = await admin.call("POST", f"/clients/{client_id}/disable", json={"reason": "停用"})
    assert answer.is_success, answer.text


@pytest.mark.parametrize("how", ["DELETE", "disable"])
async def test_scripts_of_a_registered_origin_call_the_protocol_endpoints_while_the_client_is_active(
    admin_of: AdminOf, other: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    here = admin.browser.http
    assert not await allowed(here)
    assert not await allowed(other)
    made = (await admin.register(**PUBLIC)).json()
    assert made["allowed_origins"] == [SPA]
    for path in ("/token", "/userinfo", "/jwks", "/.well-known/openid-configuration", "/revoke", "/par"):
        assert await allowed(here, path), path
    for headers in ({"origin": SPA}, {"origin": "https://evil.example"}, {}):
        # A shared cache must not give one origin what another was answered.
        assert "Origin" in (await here.get("/jwks", headers=headers)).headers["vary"]
    for path in ("/api/v1/me", "/introspect", "/register", "/authorize", "/tokens"):
        assert not await allowed(here, path), path
    for origin in (
        "https://evil.example",
        f"{SPA}.evil.example",
        f"{SPA}:8443",
        "http://spa.example.cn",
        "null",
    ):
        assert not await allowed(here, origin=origin), origin
    # What the other process remembers is a few seconds old.
    monkeypatch.setattr("identity.clients.origins.SECONDS", 0)
    assert await allowed(other)
    await ended(admin, made["client_id"], how)
    assert not await allowed(here)
    assert not await allowed(other)


async def test_an_origin_goes_with_the_unit_of_its_client(app: FastAPI, admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    await admin.register(**PUBLIC)
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE units SET status = 'closed', closed_at = now() WHERE code = '370102'")
        )
    assert not await allowed(admin.browser.http)


async def test_origins_are_not_read_at_every_request_however_many_are_made_up(
    app: FastAPI, admin_of: AdminOf
) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    await admin.register(**PUBLIC)
    read: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "allowed_origins" in statement:
            read.append(statement)

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        for number in range(20):
            assert not await allowed(admin.browser.http, origin=f"https://a{number}.example.cn")
            assert await allowed(admin.browser.http)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(read) <= 1


async def test_without_the_database_the_origins_of_before_are_answered(
    admin_of: AdminOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    await admin.register(**PUBLIC)
    assert await allowed(admin.browser.http, "/.well-known/openid-configuration")

    async def fails(*_: object) -> list[str]:
        raise NoConnection

    monkeypatch.setattr("identity.clients.origins.allowed_origins", fails)
    monkeypatch.setattr("identity.clients.origins.SECONDS", 0)
    assert await allowed(admin.browser.http, "/.well-known/openid-configuration")


async def test_while_the_database_hangs_one_request_reads_and_no_other_waits(
    app: FastAPI, admin_of: AdminOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await admin_of(COUNTY_ADMIN)).register(**PUBLIC)
    reads: list[int] = []

    async def counted(session: AsyncSession, limit: int) -> Sequence[str]:
        reads.append(limit)
        return await allowed_origins(session, limit)

    monkeypatch.setattr("identity.clients.origins.allowed_origins", counted)
    async with asyncio.timeout(30), linked(app.state.settings.database_url) as link:
        database = Database(link.url, plans="force_generic_plan", waits=Waits(statement=0.1))
        origins, new = Origins(database), Origins(database)
        assert await origins.has(SPA)
        await link.freeze()
        origins.forget()
        reading = asyncio.create_task(origins.has(SPA))
        await asyncio.sleep(0)
        assert await origins.has(SPA)
        assert not reading.done()
        assert await reading
        # The read has failed, and is not repeated at once.
        assert await origins.has(SPA)
        assert len(reads) == 2
        # Nothing is known yet: all wait for one read.
        monkeypatch.setattr("identity.clients.origins.PATIENCE", 0.1)
        assert await asyncio.gather(*(new.has(SPA) for _ in range(3))) == [False] * 3
        assert len(reads) == 3
    await database.close()


async def test_only_a_client_without_a_secret_has_origins(admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    for changes in (
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"allowed_origins": [f"{SPA}/"]},
        {"allowed_origins": ["*"]},
    ):
        refused = await admin.register(**PUBLIC | changes)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_client_metadata")
        assert "allowed_origins" in refused.json()["detail"]
    many = [f"https://a{number}.example.cn" for number in range(11)]
    assert (await admin.register(**PUBLIC | {"allowed_origins": many})).status_code == 422
