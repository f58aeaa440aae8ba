"""Refresh tokens: RFC 6749 §6, RFC 9700 §4.14, OpenID Connect Core §12."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import Form, JsonObject
from testkit.clock import FrozenClock
from testkit.waiting import moments

PHONE = "19900001323"
RP = ("rp", "r" * 40)


async def first(browser: Browser) -> JsonObject:
    answer = await browser.token(PHONE, "urn:zhuxue:identity")
    assert answer.status_code == 200, answer.text
    token: JsonObject = answer.json()
    return token


async def refused_soon(browser: Browser, access: str) -> bool:
    async for _ in moments():
        answer = await browser.http.get("/api/v1/me", headers={"Authorization": f"Bearer {access}"})
        if answer.status_code == 401:
            return bool(answer.json()["code"] == "token_revoked")
    return False


async def test_claims_asked_for_in_the_id_token_are_in_the_refreshed_one(new_browser: NewBrowser) -> None:
    browser = new_browser()
    claims = '{"id_token": {"name": null}}'
    token = (await tools.redeem(browser, await tools.code_for(browser, claims=claims))).json()
    renewed = (await tools.refresh(browser, token["refresh_token"])).json()
    before, after = tools.claims_of(token["id_token"]), tools.claims_of(renewed["id_token"])
    assert before["name"]
    assert after["name"] == before["name"]
    assert "nonce" not in after


async def test_a_public_client_s_token_rotates_and_keeps_auth_time_and_sid(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    token = await first(browser)
    clock.advance(timedelta(seconds=2))
    answer = await tools.refresh(browser, token["refresh_token"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    renewed = answer.json()
    assert renewed["refresh_token"] != token["refresh_token"]
    old, new = tools.claims_of(token["id_token"]), tools.claims_of(renewed["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "acr", "sid"):
        assert new[name] == old[name]
    assert new["iat"] > old["iat"]
    assert "nonce" not in new
    old, new = tools.claims_of(token["access_token"]), tools.claims_of(renewed["access_token"])
    for name in ("sub", "sid", "auth_time", "acr", "aud", "scope", "grant_id", "unit"):
        assert new[name] == old[name]


async def test_reuse_after_the_grace_ends_the_whole_grant(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    token = await first(browser)
    second = (await tools.refresh(browser, token["refresh_token"])).json()
    clock.advance(timedelta(seconds=10))
    answer = await tools.refresh(browser, token["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    answer = await tools.refresh(browser, second["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"
    assert await refused_soon(browser, second["access_token"])
    async with browser.app.state.database.transaction() as session:
        found = await session.execute(text("SELECT 1 FROM audit_log WHERE action = 'oauth.grant_revoked'"))
        assert found.first() is not None


async def test_a_lost_answer_can_be_had_again_within_the_grace(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    token = await first(browser)
    lost = (await tools.refresh(browser, token["refresh_token"])).json()
    clock.advance(timedelta(seconds=9))
    again = await tools.refresh(browser, token["refresh_token"])
    assert again.status_code == 200
    assert again.json()["refresh_token"] == lost["refresh_token"]
    assert (await tools.refresh(browser, lost["refresh_token"])).status_code == 200


async def test_no_retry_once_the_successor_has_been_used(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await first(browser)
    second = (await tools.refresh(browser, token["refresh_token"])).json()
    third = (await tools.refresh(browser, second["refresh_token"])).json()
    assert (await tools.refresh(browser, token["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await tools.refresh(browser, third["refresh_token"])).json()["error"] == "invalid_grant"


async def test_concurrent_refreshes_give_one_successor(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await first(browser)
    answers = await asyncio.gather(*(tools.refresh(browser, token["refresh_token"]) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    async with browser.app.state.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM refresh_tokens")) == 2


@pytest.mark.usefixtures("clients")
async def test_a_confidential_client_s_token_stays_and_needs_the_client(new_browser: NewBrowser) -> None:
    browser = new_browser()
    code = await tools.code_for(browser, client_id="rp")
    token = (await tools.redeem(browser, code, auth=RP)).json()
    for _ in range(2):
        answer = await tools.refresh(browser, token["refresh_token"], auth=RP)
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
    forms: list[Form] = [{"client_id": "rp"}, {"client_id": "rp", "client_secret": "x" * 40}]
    for more in forms:
        answer = await tools.refresh(browser, token["refresh_token"], **more)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = await tools.refresh(browser, token["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"


async def test_scope_and_resource_narrow_and_never_widen(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await first(browser)
    answer = await tools.refresh(browser, token["refresh_token"], scope="identity office directory:read")
    assert answer.json()["error"] == "invalid_scope"
    answer = await tools.refresh(browser, token["refresh_token"], resource="urn:zhuxue:office")
    assert answer.json()["error"] == "invalid_target"
    narrow = (await tools.refresh(browser, token["refresh_token"], scope="identity")).json()
    assert (narrow["scope"], "id_token" in narrow) == ("identity", False)
    assert tools.claims_of(narrow["access_token"])["scope"] == "identity"
    assert tools.claims_of(narrow["access_token"])["aud"] == "urn:zhuxue:identity"
    # RFC 6749 §6: narrowing one access token does not narrow the refresh token.
    wide = (await tools.refresh(browser, narrow["refresh_token"])).json()
    assert wide["scope"] == token["scope"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET status = 'suspended'",
        "UPDATE sessions SET ended_at = now(), ended_because = 'test'",
        "UPDATE grants SET revoked_at = now()",
    ],
)
async def test_refused_when_account_session_or_grant_has_ended(
    new_browser: NewBrowser, statement: str
) -> None:
    browser = new_browser()
    token = await first(browser)
    async with browser.app.state.database.transaction() as session:
        await session.execute(text(statement))
    answer = await tools.refresh(browser, token["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_refused_when_expired_or_unknown_or_missing(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    token = await first(browser)
    assert (await tools.refresh(browser, "nonsense")).json()["error"] == "invalid_grant"
    assert (await tools.refresh(browser, "")).json()["error"] == "invalid_request"
    clock.advance(timedelta(hours=12))
    assert (await tools.refresh(browser, token["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.usefixtures("clients")
async def test_no_refresh_token_for_a_client_not_registered_for_it(new_browser: NewBrowser) -> None:
    browser = new_browser()
    code = await tools.code_for(browser, client_id="spa", scope="openid offline_access")
    answer = await tools.redeem(browser, code, client_id="spa")
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    answer = await tools.refresh(browser, "x", client_id="spa")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


async def test_nothing_is_stored_in_clear(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = await first(browser)
    second = (await tools.refresh(browser, token["refresh_token"])).json()
    async with browser.app.state.database.transaction() as session:
        rows = (await session.execute(text("SELECT t::text FROM refresh_tokens t"))).scalars().all()
    for value in (token["refresh_token"], second["refresh_token"]):
        assert all(value not in row and value.encode().hex() not in row for row in rows)
