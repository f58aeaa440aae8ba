"""Clients for the token endpoint's tests, and helpers to speak to it as they would."""

import base64
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI

from identity.oauth.models import Client, ClientSecret, secret_hash
from testkit.clients import AssertionKeys, ProofKey

ISSUER = "http://localhost:8001"
CALLBACK = "http://localhost:8000/callback"
PHONE = "19900001323"
VERIFIER = "v" * 64
RP_SECRET = "r" * 40
AUDIENCES = ["urn:zhuxue:identity", "urn:zhuxue:office", "urn:zhuxue:cockpit"]
SCOPES = ["openid", "profile", "offline_access", "office", "identity"]


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


@pytest.fixture(scope="session")
def keys() -> AssertionKeys:
    return AssertionKeys(ISSUER)


@pytest.fixture(autouse=True)
def clients_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests here change registrations in the database; that clients are remembered has tests of its own."""
    monkeypatch.setattr("identity.oauth.known_clients.SECONDS", 0)


@pytest.fixture
def dpop() -> ProofKey:
    return ProofKey(ISSUER)


@pytest.fixture
async def clients(app: FastAPI, keys: AssertionKeys) -> None:
    """`rp`: a secret; `jwt`: private_key_jwt; `fapi`: with PAR and DPoP; `spa`: public, third party."""
    shared: dict[str, Any] = {
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "scopes": SCOPES,
        "audiences": AUDIENCES,
        "first_party": True,
        "registered_at": datetime.now(UTC),
    }
    rows = [
        Client(
            client_id="rp",
            client_name="某平台",
            token_endpoint_auth_method="client_secret_basic",
            secrets=[
                ClientSecret(client_id="rp", secret_hash=secret_hash(RP_SECRET), created_at=datetime.now(UTC))
            ],
            **shared,
        ),
        Client(
            client_id="jwt",
            client_name="签名平台",
            token_endpoint_auth_method="private_key_jwt",
            jwks=keys.jwks,
            **shared,
        ),
        Client(
            client_id="fapi",
            client_name="高安全平台",
            token_endpoint_auth_method="private_key_jwt",
            jwks=keys.jwks,
            require_pushed_authorization_requests=True,
            dpop_bound_access_tokens=True,
            **shared,
        ),
        Client(
            client_id="spa",
            client_name="第三方页面",
            token_endpoint_auth_method="none",
            **(shared | {"grant_types": ["authorization_code"], "first_party": False}),
        ),
    ]
    async with app.state.database.transaction() as session:
        session.add_all(rows)


async def code_for(browser: Any, **more: str) -> str:
    """Sign in if needed and take the code from the redirect."""
    answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER, **more))
    return await follow(browser, answer, browser.authorize_url(verifier=VERIFIER, **more))


async def follow(browser: Any, answer: Any, url: str) -> str:
    if answer.headers.get("location", "").startswith("/login"):
        answer = await browser.sign_in(PHONE, url)
        answer = await browser.http.get(answer.headers["location"])
    answer = await browser.consented(answer)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert "code" in query, query
    return query["code"][0]


async def redeem(browser: Any, code: str, *, auth: Any = None, headers: Any = None, **more: str) -> Any:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    if auth is None and "client_assertion" not in more:
        form["client_id"] = "portal"
    extra = {} if auth is None else {"auth": auth}
    return await browser.http.post("/token", data=form | more, headers=headers, **extra)


async def refresh(browser: Any, value: str, *, auth: Any = None, headers: Any = None, **more: str) -> Any:
    form = {"grant_type": "refresh_token", "refresh_token": value}
    if auth is None and "client_assertion" not in more:
        form["client_id"] = "portal"
    extra = {} if auth is None else {"auth": auth}
    return await browser.http.post("/token", data=form | more, headers=headers, **extra)


@pytest.fixture
def tools() -> SimpleNamespace:
    """The helpers above, for tests of this folder."""
    return SimpleNamespace(
        claims_of=claims_of, code_for=code_for, follow=follow, redeem=redeem, refresh=refresh
    )
