"""Two issuer processes on one database behave as one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from identity.app import build
from messaging.inprocess import InProcessBus
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clients import AssertionKeys, ProofKey
from testkit.clock import FrozenClock

ISSUER = "http://localhost:8001"
PHONE = "19900001323"
VERIFIER = "v" * 64


class Other:
    """The same browser's client, sent to the other process."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http


@pytest.fixture
async def other(app: FastAPI, clock: FrozenClock) -> AsyncIterator[Other]:
    second = build(app.state.settings, InProcessBus(), clock)
    transport = httpx.ASGITransport(app=second)
    async with (
        second.router.lifespan_context(second),
        httpx.AsyncClient(transport=transport, base_url=ISSUER) as http,
    ):
        yield Other(http)


async def test_a_code_of_one_is_redeemed_once_at_either(new_browser: NewBrowser, other: Other) -> None:
    here = new_browser()
    answer = await tools.redeem(other, await tools.code_for(here))
    assert answer.status_code == 200, answer.text
    code = await tools.code_for(here)
    answers = await asyncio.gather(*(tools.redeem(at, code) for at in (here, other, here, other)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_rotation_and_its_grace_are_seen_by_both(
    new_browser: NewBrowser, other: Other, clock: FrozenClock
) -> None:
    here = new_browser()
    first = (await here.token(PHONE)).json()["refresh_token"]
    answers = await asyncio.gather(*(tools.refresh(at, first) for at in (here, other, here, other)))
    assert {answer.status_code for answer in answers} == {200}
    (second,) = {answer.json()["refresh_token"] for answer in answers}
    clock.advance(timedelta(seconds=11))
    assert (await tools.refresh(other, first)).json()["error"] == "invalid_grant"
    assert (await tools.refresh(here, second)).json()["error"] == "invalid_grant"


@pytest.mark.usefixtures("clients")
async def test_assertions_proofs_nonces_and_pushed_requests_hold_at_both(
    new_browser: NewBrowser, other: Other, keys: AssertionKeys, dpop: ProofKey
) -> None:
    here = new_browser()
    form = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"} | keys.auth("fapi")
    asked = await here.http.post("/token", data=form, headers={"DPoP": dpop.proof("/token")})
    assert asked.json()["error"] == "use_dpop_nonce"
    headers = {"DPoP": dpop.proof("/token", nonce=asked.headers["dpop-nonce"])}
    assert (await other.http.post("/token", data=form, headers=headers)).status_code == 200
    again = await here.http.post("/token", data=form | keys.auth("fapi"), headers=headers)
    assert again.json()["error"] == "invalid_dpop_proof"
    headers = {"DPoP": dpop.proof("/token", nonce=asked.headers["dpop-nonce"])}
    again = await here.http.post("/token", data=form, headers=headers)
    assert again.json()["error"] == "invalid_client"
    url = here.authorize_url(verifier=VERIFIER, client_id="fapi")
    pushed = await other.http.post("/par", data=dict(parse_qsl(urlsplit(url).query)) | keys.auth("fapi"))
    query = {"client_id": "fapi", "request_uri": pushed.json()["request_uri"]}
    url = "/authorize?" + urlencode(query)
    assert await tools.follow(here, await here.http.get(url), url)
