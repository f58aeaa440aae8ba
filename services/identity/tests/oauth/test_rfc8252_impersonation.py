"""Clients that cannot prove who they are (RFC 8252 §8.6, OAuth 2.1 §7.3.1)."""

from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from identity.clients.models import Client
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import Browser, NewBrowser

pytestmark = pytest.mark.usefixtures("clients")
REGISTERED, ELSEWHERE = "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"


async def answered(browser: Browser, redirect_uri: str, **more: str) -> dict[str, list[str]]:
    """The response to the client, which asks silently."""
    asked = {"client_id": "spa", "redirect_uri": redirect_uri, "scope": "openid", "prompt": "none"}
    answer = await browser.http.get(browser.authorize_url(verifier=tools.VERIFIER, **(asked | more)))
    return parse_qs(urlsplit(answer.headers["location"]).query)


@pytest.fixture
async def native(app: FastAPI, clients: None) -> None:
    """`spa` becomes an app on people's machines."""
    async with app.state.database.transaction() as session:
        await session.execute(
            update(Client)
            .where(Client.client_id == "spa")
            .values(application_type="native", redirect_uris=[REGISTERED])
        )


@pytest.mark.usefixtures("native")
async def test_a_remembered_consent_gives_no_code_to_whoever_listens_on_this_machine(
    new_browser: NewBrowser,
) -> None:
    browser = new_browser()
    asked = {"client_id": "spa", "scope": "openid"}
    assert await tools.code_for(browser, redirect_uri=REGISTERED, **asked)
    for redirect_uri in (ELSEWHERE, REGISTERED):
        assert (await answered(browser, redirect_uri))["error"] == ["consent_required"]
    # The person is asked each time, and can go on.
    page = await browser.http.get(
        browser.authorize_url(verifier=tools.VERIFIER, redirect_uri=ELSEWHERE, **asked)
    )
    assert (page.status_code, "/authorize/decision" in page.text) == (200, True)
    assert await tools.code_for(browser, redirect_uri=ELSEWHERE, **asked)


async def test_a_client_whose_address_is_its_own_is_answered_silently(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    uri = "https://spa.example.cn/cb"
    async with app.state.database.transaction() as session:
        await session.execute(update(Client).where(Client.client_id == "spa").values(redirect_uris=[uri]))
    browser = new_browser()
    await tools.code_for(browser, client_id="spa", redirect_uri=uri, scope="openid")
    assert "code" in await answered(browser, uri)
