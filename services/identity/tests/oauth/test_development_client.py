"""The client for front ends in development: its addresses on this machine, and never outside dev mode."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI
from pydantic import SecretStr

from identity import bootstrap
from identity.app import build
from identity.clients.development import CLIENT_ID, DevModeOnly
from messaging.inprocess import InProcessBus
from services.identity.tests.support.running_identity import NewBrowser

ADMIN = "19900000001"
VERIFIER = "v" * 43
SERVER = "http://localhost:5173"
PRODUCTION: dict[str, object] = {
    "mode": "production",
    "rabbitmq_url": "amqp://localhost/",
    "sms_gateway_url": "https://sms.example.org",
    "sms_gateway_secret": SecretStr("s"),
}


@pytest.fixture
async def registered(app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        await bootstrap.ensure_development_client(session, app.state.clock, app.state.settings)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    "redirect_uri",
    ["http://localhost:5173/callback", "http://localhost:3000/", "http://127.0.0.1:49152/callback"],
)
async def test_a_front_end_signs_people_in_with_every_scope(
    new_browser: NewBrowser, redirect_uri: str
) -> None:
    browser = new_browser()
    scope = " ".join(bootstrap.PEOPLE_SCOPES)
    client = {"client_id": CLIENT_ID, "redirect_uri": redirect_uri}
    url = browser.authorize_url(verifier=VERIFIER, resource="urn:zhuxue:office", scope=scope, **client)
    answer = await browser.sign_in(ADMIN, url)
    answer = await browser.http.get(answer.headers["location"])
    assert answer.headers["location"].startswith(f"{redirect_uri}?"), "no page of consent"
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(answer.headers["location"]).query)["code"][0],
        "code_verifier": VERIFIER,
        **client,
    }
    token = await browser.http.post("/token", data=form, headers={"origin": SERVER})
    assert token.status_code == 200, token.text
    assert set(token.json()["scope"].split()) == set(bootstrap.PEOPLE_SCOPES)
    assert "refresh_token" in token.json()
    assert token.headers["access-control-allow-origin"] == SERVER


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://localhost:5174/callback",
        "http://localhost:5173/elsewhere",
        "https://localhost:5173/callback",
        "http://127.0.0.1:5173/elsewhere",
        "http://localhost.example.org:5173/callback",
    ],
)
async def test_another_address_is_refused(app: FastAPI, redirect_uri: str) -> None:
    params = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": redirect_uri,
        "scope": "openid",
        "code_challenge": create_s256_code_challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=SERVER) as http:
        answer = await http.get("/authorize", params=params)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_it_cannot_be_registered_outside_dev_mode(app: FastAPI) -> None:
    settings = app.state.settings.model_copy(update=PRODUCTION)
    with pytest.raises(DevModeOnly):
        async with app.state.database.transaction() as session:
            await bootstrap.ensure_development_client(session, app.state.clock, settings)


@pytest.mark.usefixtures("registered")
async def test_identity_refuses_to_start_outside_dev_mode_while_it_is_registered(app: FastAPI) -> None:
    settings = app.state.settings.model_copy(update=PRODUCTION)
    production = build(settings, InProcessBus(), app.state.clock)
    with pytest.raises(DevModeOnly, match=CLIENT_ID):
        async with production.router.lifespan_context(production):
            pass


async def test_identity_starts_in_production_where_it_was_never_registered(app: FastAPI) -> None:
    settings = app.state.settings.model_copy(update=PRODUCTION)
    production = build(settings, InProcessBus(), app.state.clock)
    async with production.router.lifespan_context(production):
        pass
