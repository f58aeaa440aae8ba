"""Revocation (RFC 7009) and introspection (RFC 7662)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from identity.clients.models import ClientSecret, secret_hash
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import Credentials, JsonObject
from testkit.clock import FrozenClock
from testkit.forgeries import respelled
from testkit.waiting import moments

PHONE = "19900001323"
OFFICE = ("office", "o" * 40)
COCKPIT = ("cockpit", "c" * 40)
RP = ("rp", "r" * 40)


async def introspect(browser: Browser, token: str, auth: Credentials = OFFICE) -> JsonObject:
    answer = await browser.http.post("/introspect", data={"token": token}, auth=auth)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: JsonObject = answer.json()
    return found


async def test_introspection_tells_the_audience_what_the_token_says(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = (await browser.token(PHONE, "urn:zhuxue:office")).json()
    found = await introspect(browser, token["access_token"])
    assert found["active"] is True
    assert found["token_type"] == "Bearer"
    claims = tools.claims_of(token["access_token"])
    assert {name: found[name] for name in claims} == claims


async def test_introspection_is_inactive_for_everyone_else_and_everything_else(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    token = (await browser.token(PHONE, "urn:zhuxue:office")).json()
    access = token["access_token"]
    assert await introspect(browser, access, COCKPIT) == {"active": False}
    for value in (token["id_token"], token["refresh_token"], access[:-4] + "AAAA", "x", "a.b.c"):
        assert await introspect(browser, value) == {"active": False}
    clock.advance(timedelta(seconds=301))
    assert await introspect(browser, access) == {"active": False}


async def test_introspection_needs_a_confidential_client(new_browser: NewBrowser) -> None:
    browser = new_browser()
    for form, auth in (
        ({"token": "x"}, None),
        ({"token": "x", "client_id": "portal"}, None),
        ({"token": "x", "client_id": "office"}, None),
        ({"token": "x"}, ("office", "x" * 40)),
    ):
        answer = await browser.http.post("/introspect", data=form, auth=auth or httpx.USE_CLIENT_DEFAULT)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = await browser.http.post("/introspect", data={"a": "b"}, auth=OFFICE)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await browser.http.get("/introspect")).status_code == 405


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_revoking_ends_the_grant(new_browser: NewBrowser, which: str) -> None:
    browser = new_browser()
    token = (await browser.token(PHONE, "urn:zhuxue:identity")).json()
    answer = await browser.http.post(
        "/revoke", data={"token": token[which], "token_type_hint": "nonsense", "client_id": "portal"}
    )
    assert (answer.status_code, answer.json()) == (200, {})
    again = await browser.http.post("/revoke", data={"token": token[which], "client_id": "portal"})
    assert again.status_code == 200
    assert (await tools.refresh(browser, token["refresh_token"])).json()["error"] == "invalid_grant"
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    async for _ in moments():
        answer = await browser.http.get("/api/v1/me", headers=headers)
        if answer.status_code == 401:
            break
    assert answer.json()["code"] == "token_revoked"


async def test_introspection_is_inactive_at_once_after_revocation_or_the_session_s_end(
    new_browser: NewBrowser,
) -> None:
    browser = new_browser()
    first = (await browser.token(PHONE, "urn:zhuxue:office")).json()
    second = (await browser.token(PHONE, "urn:zhuxue:office")).json()
    await browser.http.post("/revoke", data={"token": first["refresh_token"], "client_id": "portal"})
    assert await introspect(browser, first["access_token"]) == {"active": False}
    assert (await introspect(browser, second["access_token"]))["active"] is True
    async with browser.app.state.database.transaction() as session:
        await session.execute(text("UPDATE sessions SET ended_at = now(), ended_because = 'test'"))
    assert await introspect(browser, second["access_token"]) == {"active": False}


@pytest.mark.usefixtures("clients")
async def test_a_client_revokes_only_its_own_tokens(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = (await browser.token(PHONE, "urn:zhuxue:office")).json()
    for value in (token["access_token"], token["refresh_token"]):
        answer = await browser.http.post("/revoke", data={"token": value}, auth=RP)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await introspect(browser, token["access_token"]))["active"] is True
    assert (await tools.refresh(browser, token["refresh_token"])).status_code == 200
    assert (await browser.http.post("/revoke", data={"token": "unknown"}, auth=RP)).status_code == 200


@pytest.mark.usefixtures("clients")
async def test_a_client_s_own_access_token_and_refresh_token(new_browser: NewBrowser) -> None:
    browser = new_browser()
    form = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"}
    access = (await browser.http.post("/token", data=form, auth=RP)).json()["access_token"]
    assert (await introspect(browser, access))["active"] is True
    assert (await browser.http.post("/revoke", data={"token": access}, auth=RP)).status_code == 200
    assert await introspect(browser, access) == {"active": False}
    code = await tools.code_for(browser, client_id="rp")
    token = (await tools.redeem(browser, code, auth=RP)).json()
    assert (await introspect(browser, token["refresh_token"], RP))["active"] is True
    assert await introspect(browser, token["refresh_token"], OFFICE) == {"active": False}
    await browser.http.post("/revoke", data={"token": token["refresh_token"]}, auth=RP)
    assert await introspect(browser, token["refresh_token"], RP) == {"active": False}


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("revoked", [str, respelled], ids=["as issued", "respelled"])
async def test_a_token_is_what_it_says_however_its_signature_is_spelled(
    new_browser: NewBrowser, revoked: Callable[[str], str]
) -> None:
    """FIPS 186-5 §6.4 has two signatures for one message: a token is known by its `jti`."""
    browser = new_browser()
    form = {"grant_type": "client_credentials", "scope": "office", "resource": "urn:zhuxue:office"}
    token = (await browser.http.post("/token", data=form, auth=RP)).json()["access_token"]
    for one in (token, respelled(token)):
        assert (await introspect(browser, one))["active"] is True
    await browser.http.post("/revoke", data={"token": revoked(token)}, auth=RP)
    for one in (token, respelled(token)):
        assert await introspect(browser, one) == {"active": False}


@pytest.mark.usefixtures("clients")
async def test_a_disabled_client_s_tokens_are_inactive_at_once(new_browser: NewBrowser, app: FastAPI) -> None:
    browser = new_browser()
    form = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"}
    own = (await browser.http.post("/token", data=form, auth=RP)).json()["access_token"]
    code = await tools.code_for(browser, client_id="rp", resource="urn:zhuxue:office")
    person = (await tools.redeem(browser, code, auth=RP)).json()["access_token"]
    for token in (own, person):
        assert (await introspect(browser, token))["active"] is True
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE clients SET status = 'disabled' WHERE client_id = 'rp'"))
    for token in (own, person):
        assert await introspect(browser, token) == {"active": False}


@pytest.mark.usefixtures("clients")
async def test_the_own_token_of_a_client_whose_id_is_a_uuid_is_active(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text("DELETE FROM client_secrets WHERE client_id = 'rp'"))
        client_id = "01930000-0000-7000-8000-0000000000cc"
        await session.execute(
            text("UPDATE clients SET client_id = :id WHERE client_id = 'rp'"), {"id": client_id}
        )
        session.add(
            ClientSecret(client_id=client_id, secret_hash=secret_hash("r" * 40), created_at=datetime.now(UTC))
        )
    browser = new_browser()
    form = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"}
    own = (await browser.http.post("/token", data=form, auth=(client_id, "r" * 40))).json()["access_token"]
    assert (await introspect(browser, own))["active"] is True


async def test_revocation_needs_a_client_and_a_token(new_browser: NewBrowser) -> None:
    http = new_browser().http
    assert (await http.post("/revoke", data={"token": "x"})).json()["error"] == "invalid_client"
    assert (await http.post("/revoke", data={"client_id": "portal"})).json()["error"] == "invalid_request"
    answer = await http.post("/revoke", data={"token": "x", "client_id": "office"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
