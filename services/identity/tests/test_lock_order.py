"""Everybody locks the account, then its sessions, then its grants (ADR 0010)."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.models import Account
from identity.partitions import partitioned
from identity.revocations.service import Revocations
from identity.sessions.models import BrowserSession
from servicekit.ids import instant_of
from servicekit.partitions import maintain
from services.identity.tests.support.locks import blocked
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.services import sessions_in
from services.identity.tests.support.shapes import JsonObject
from testkit.clock import FrozenClock
from testkit.pages import csrf_of
from testkit.postgres import Migration

PHONE = "19900001323"
CALLBACK = "http://localhost:8000/callback"

Change = Callable[[AsyncSession, Account], Awaitable[None]]
Begin = Callable[[Browser], Awaitable[Callable[[], Awaitable[httpx.Response]]]]
"""Prepares a request and returns what sends it."""


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def while_the_account_is_held(
    app: FastAPI,
    request: Callable[[], Awaitable[httpx.Response]],
    change: Change,
) -> httpx.Response:
    """The answer to a request that came while the account was locked and then changed."""
    async with app.state.database.transaction() as session:
        sub = (await session.scalars(select(BrowserSession.account_id))).one()
        account = await session.get(Account, sub, with_for_update=True)
        task = asyncio.ensure_future(request())
        await blocked(app)
        await change(session, account)
    return await task


def suspension(app: FastAPI) -> Change:
    async def suspend(session: AsyncSession, account: Account) -> None:
        account.suspend("1")
        await sessions_in(app, session).end_all(account.id, "account suspended")

    return suspend


def claims(token: str) -> JsonObject:
    part = token.split(".")[1]
    found: JsonObject = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def refreshing(browser: Browser) -> Callable[[], Awaitable[httpx.Response]]:
    value = (await browser.token(PHONE)).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": value}
    return lambda: browser.http.post("/token", data=form)


async def redeeming(browser: Browser) -> Callable[[], Awaitable[httpx.Response]]:
    verifier = "v" * 64
    url = browser.authorize_url(verifier=verifier)
    answer = await browser.http.get((await browser.sign_in(PHONE, url)).headers["location"])
    form = {
        "grant_type": "authorization_code",
        "client_id": "portal",
        "code": parse_qs(urlsplit(answer.headers["location"]).query)["code"][0],
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    return lambda: browser.http.post("/token", data=form)


@pytest.mark.parametrize("begin", [refreshing, redeeming])
async def test_a_token_is_made_from_what_is_there_after_the_wait(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, begin: Begin
) -> None:
    """Read in the statement that waits for the lock, memberships were those of before the wait."""
    request = await begin(new_browser())

    async def closed(session: AsyncSession, account: Account) -> None:
        ended = "UPDATE memberships SET ended_at = now() WHERE account_id = :sub AND ended_at IS NULL"
        (_,) = await session.scalars(text(f"{ended} RETURNING id"), {"sub": account.id})
        account.version += 1
        Revocations(session, clock, 300).revoke(account.id, reason="unit closed")

    answer = await while_the_account_is_held(app, request, closed)
    assert answer.status_code == 200
    assert not {"unit", "roles"} & claims(answer.json()["access_token"]).keys()


@pytest.mark.parametrize("begin", [refreshing, redeeming])
async def test_a_token_request_waits_for_a_suspension_and_is_refused(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, begin: Begin
) -> None:
    request = await begin(new_browser())
    answer = await while_the_account_is_held(app, request, suspension(app))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("page", ["authorize", "login"])
async def test_a_page_that_touches_its_session_waits_for_a_suspension(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, page: str
) -> None:
    """The session's UPDATE once came before the wait for the account: a deadlock."""
    browser = new_browser()
    await browser.token(PHONE)
    clock.advance(timedelta(minutes=2))
    url = browser.authorize_url(verifier="v" * 43)

    async def request() -> httpx.Response:
        if page == "authorize":
            return await browser.http.get(url)
        return await browser.sign_in(PHONE, url)

    answer = await while_the_account_is_held(app, request, suspension(app))
    assert answer.status_code in (303, 403), answer.text


async def test_a_device_s_poll_waits_for_a_suspension(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    await browser.token(PHONE)
    device = "urn:ietf:params:oauth:grant-type:device_code"
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE clients SET grant_types = grant_types || :device WHERE client_id = 'portal'"),
            {"device": [device]},
        )
    app.state.parts.clients.evict("portal")
    asked = await browser.http.post("/device_authorization", data={"client_id": "portal", "scope": "openid"})
    codes = asked.json()
    shown = await browser.http.get("/device", params={"user_code": codes["user_code"]})
    form = {"csrf": csrf_of(shown.text), "user_code": codes["user_code"]}
    done = await browser.http.post("/device/decision", data=form | {"decision": "allow"})
    assert done.status_code == 200, done.text
    poll = {"grant_type": device, "client_id": "portal", "device_code": codes["device_code"]}
    answer = await while_the_account_is_held(
        app, lambda: browser.http.post("/token", data=poll), suspension(app)
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")


async def test_refreshing_and_revoking_one_family_do_not_block_each_other(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    for _ in range(5):
        value = (await browser.token(PHONE)).json()["refresh_token"]
        form = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": value}
        away = {"client_id": "portal", "token": value}
        answers = await asyncio.gather(
            browser.http.post("/token", data=form),
            browser.http.post("/revoke", data=away),
            browser.http.post("/token", data=form),
            browser.http.post("/revoke", data=away),
        )
        assert {answer.status_code for answer in answers} <= {200, 400}


async def test_clients_are_told_of_the_end_of_a_session_of_days(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    await new_browser().token(PHONE)
    async with app.state.database.transaction() as session:
        (row,) = (await session.scalars(select(BrowserSession))).all()
    await maintain(
        app.state.database, partitioned(app.state.settings), instant_of(row.id) + timedelta(days=7)
    )
    async with app.state.database.transaction() as session:
        clients = await sessions_in(app, session).clients(row)
    assert [client.client_id for client in clients] == ["portal"]
