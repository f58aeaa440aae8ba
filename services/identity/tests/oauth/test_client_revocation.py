"""Disabling a client ends what it was granted with one fact, however many people use it (ADR 0017)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Row, text

from authkit.principal import Principal
from authkit.revocation import RevocationList
from identity.base import AUDIENCE, revocations
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

PHONE = "19900001323"  # administers 历下区 370102
RP = ("rp", "r" * 40)
OFFICE = ("office", "o" * 40)
OF_OFFICE = {"resource": "urn:zhuxue:office"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def browser(app: FastAPI, clients: None, new_browser: NewBrowser) -> Browser:
    """Of the administrator of the unit that owns `rp`."""
    await execute(
        app,
        "UPDATE clients SET owner_unit_id = (SELECT id FROM units WHERE code = '370102'),"
        " scopes = scopes || '{office}' WHERE client_id = 'rp'",
    )
    return new_browser()


async def execute(app: FastAPI, statement: str, **parameters: object) -> Sequence[Row[Any]]:
    async with app.state.database.transaction() as session:
        result = await session.execute(text(statement), parameters)
        return result.all() if result.returns_rows else []


async def switch(browser: Browser, action: str) -> None:
    """Disable or enable `rp`."""
    answer: httpx.Response = await browser.http.post(
        f"/api/v1/clients/rp/{action}", headers=await browser.bearer(PHONE), json={"reason": "系统下线"}
    )
    assert answer.status_code == 200, answer.text


async def is_active(browser: Browser, token: str, auth: tuple[str, str] = OFFICE) -> bool:
    answer = await browser.http.post("/introspect", data={"token": token}, auth=auth)
    return bool(answer.json()["active"])


async def tokens_of(browser: Browser, **more: str) -> dict[str, str]:
    code = await tools.code_for(browser, client_id="rp", **(OF_OFFICE | more))
    answer: dict[str, str] = (await tools.redeem(browser, code, auth=RP)).json()
    return answer


async def test_disabling_a_client_is_one_event_and_one_audit_row(app: FastAPI, browser: Browser) -> None:
    """It was once one of each for every grant: for a client that everybody uses, a million."""
    await tokens_of(browser)
    grant = "created_at, expires_at, scope, resources, amr, account_id"
    await execute(
        app,
        f"INSERT INTO grants (id, client_id, {grant})"
        f" SELECT gen_random_uuid(), 'rp', {grant} FROM grants, generate_series(1, 300)"
        " WHERE client_id = 'rp'",
    )
    await browser.bearer(PHONE)
    before = await execute(app, "SELECT id FROM audit_log")
    await switch(browser, "disable")
    after = await execute(app, "SELECT id, action FROM audit_log ORDER BY id")
    added = [row.action for row in after if row.id not in {old.id for old in before}]
    assert sorted(added) == ["client.disabled", "oauth.token_issued"]
    recorded = await execute(app, "SELECT DISTINCT sub, client_id, grant_id FROM revocations")
    assert [tuple(row) for row in recorded] == [(None, "rp", None)]


async def test_disabling_a_client_does_not_wait_for_its_grants(app: FastAPI, browser: Browser) -> None:
    await tokens_of(browser)
    async with app.state.database.transaction() as session, asyncio.timeout(60):
        await session.execute(text("SELECT 1 FROM grants WHERE client_id = 'rp' FOR UPDATE"))
        await switch(browser, "disable")


async def test_enabling_a_client_again_revives_no_grant(browser: Browser) -> None:
    tokens = await tokens_of(browser)
    code = await tools.code_for(browser, client_id="rp", **OF_OFFICE)
    own_form = {"grant_type": "client_credentials", **OF_OFFICE}
    own = (await browser.http.post("/token", data=own_form, auth=RP)).json()["access_token"]
    values = [tokens["access_token"], own]
    assert [await is_active(browser, value) for value in values] == [True, True]
    assert await is_active(browser, tokens["refresh_token"], RP)
    await switch(browser, "disable")
    await switch(browser, "enable")
    assert [await is_active(browser, value) for value in values] == [False, False]
    assert not await is_active(browser, tokens["refresh_token"], RP)
    for answer in (
        await tools.refresh(browser, tokens["refresh_token"], auth=RP),
        await tools.redeem(browser, code, auth=RP),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    again = await tokens_of(browser)
    assert (await tools.refresh(browser, again["refresh_token"], auth=RP)).status_code == 200


async def test_new_tokens_of_a_client_that_was_enabled_again_are_good(
    browser: Browser, clock: FrozenClock
) -> None:
    await switch(browser, "disable")
    await switch(browser, "enable")
    clock.advance(timedelta(seconds=4))
    assert await is_active(browser, (await tokens_of(browser))["access_token"])


async def test_a_grant_of_a_process_that_has_not_seen_the_change_is_worth_nothing(
    app: FastAPI, browser: Browser
) -> None:
    """Such a process goes on for a second with the registration that it has read."""
    await tokens_of(browser)
    stale = await execute(app, "SELECT grant_generation FROM clients WHERE client_id = 'rp'")
    await switch(browser, "disable")
    await switch(browser, "enable")
    code = await tools.code_for(browser, client_id="rp", **OF_OFFICE)
    await execute(app, "UPDATE grants SET generation = :g", g=stale[0].grant_generation)
    assert (await tools.redeem(browser, code, auth=RP)).json()["error"] == "invalid_grant"


async def test_userinfo_refuses_tokens_of_a_disabled_client(browser: Browser) -> None:
    tokens = await tokens_of(browser)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await browser.http.get("/userinfo", headers=headers)).status_code == 200
    await switch(browser, "disable")
    await until_refused(lambda: browser.http.get("/userinfo", headers=headers))


async def until_refused(call: Callable[[], Awaitable[httpx.Response]]) -> None:
    async with asyncio.timeout(60):
        while True:
            answer = await call()
            if answer.status_code == 401:
                return
            await asyncio.sleep(0.01)


async def test_an_exchanged_token_ends_with_the_client_that_the_person_signed_in_to(
    app: FastAPI, browser: Browser
) -> None:
    await execute(
        app,
        "UPDATE clients SET scopes = scopes || '{cockpit:read}' WHERE client_id IN ('rp', 'office');",
    )
    await execute(
        app,
        "UPDATE clients SET grant_types = grant_types || :exchange,"
        " audiences = audiences || '{urn:zhuxue:cockpit}' WHERE client_id = 'office'",
        exchange=["urn:ietf:params:oauth:grant-type:token-exchange"],
    )
    subject = (await tokens_of(browser, scope="openid office cockpit:read"))["access_token"]
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": subject,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": "urn:zhuxue:cockpit",
    }
    answer = await browser.http.post("/token", data=form, auth=OFFICE)
    assert answer.status_code == 200, answer.text
    exchanged = answer.json()["access_token"]
    claims = tools.claims_of(exchanged)
    assert (claims["client_id"], claims["grant_client_id"]) == ("office", "rp")
    assert "grant_client_id" not in tools.claims_of(subject)
    assert await is_active(browser, exchanged)
    await switch(browser, "disable")
    await switch(browser, "enable")
    assert not await is_active(browser, exchanged)
    listed = RevocationList(app.state.database, revocations, AUDIENCE)
    await listed.reload()
    for client_ids in ({"office"}, {"office", "rp"}):
        principal = Principal(
            sub=claims["sub"],
            client_id="office",
            scope=frozenset(),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            jti=claims["jti"],
            earlier_clients=frozenset(client_ids),
        )
        assert listed.refuses(principal) is ("rp" in client_ids)


@pytest.mark.parametrize(
    ("sid", "grant_id", "active"),
    [("sid", "other", False), ("other", "grant_id", False), ("sid", "grant_id", False), ("o", "o", True)],
)
async def test_introspection_takes_a_revocation_of_a_session_and_a_grant_for_either(
    app: FastAPI, browser: Browser, sid: str, grant_id: str, active: bool
) -> None:
    token = (await tokens_of(browser))["access_token"]
    claims = tools.claims_of(token)
    await execute(
        app,
        "INSERT INTO revocations (id, sub, sid, grant_id, not_before, expires_at) VALUES"
        " (gen_random_uuid(), :sub, :sid, :grant_id, now() + interval '1 minute', now() + interval '1 hour')",
        sub=claims["sub"],
        sid=claims.get(sid, "other"),
        grant_id=claims.get(grant_id, "other"),
    )
    assert await is_active(browser, token) is active
