"""Clients for the token endpoint's tests, and helpers to speak to it as they would."""

import base64
import json
import time
from datetime import UTC, datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from identity.oauth.models import Client, ClientSecret, secret_hash
from servicekit.ids import new_id

ISSUER = "http://localhost:8001"
CALLBACK = "http://localhost:8000/callback"
PHONE = "19900001323"
VERIFIER = "v" * 64
RP_SECRET = "r" * 40
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCES = ["urn:zhuxue:identity", "urn:zhuxue:office", "urn:zhuxue:cockpit"]
SCOPES = ["openid", "profile", "offline_access", "office", "identity"]


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


class Keys:
    """The key pairs that clients in these tests hold."""

    def __init__(self) -> None:
        self.ec = ECKey.generate_key("P-256", {"kid": "ec"})
        self.rsa = RSAKey.generate_key(2048, {"kid": "rsa"})

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.ec.as_dict(private=False), self.rsa.as_dict(private=False)]}

    def assertion(self, client_id: str, *, alg: str = "ES256", **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": str(new_id()),
        } | changes
        key = self.ec if alg == "ES256" else self.rsa
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": key.kid}, kept, key, [alg])

    def auth(self, client_id: str, **changes: Any) -> dict[str, str]:
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(client_id, **changes),
        }


class DPoP:
    """A client's proof key."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")
        self.jkt = self.key.thumbprint()

    def proof(
        self,
        path: str,
        *,
        method: str = "POST",
        nonce: str | None = None,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        claims: dict[str, Any] = {
            "htm": method,
            "htu": ISSUER + path,
            "iat": int(time.time()),
            "jti": str(new_id()),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if token is not None:
            digest = sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        claims |= changes
        kept = {name: value for name, value in claims.items() if value is not None}
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)} | (header or {})
        return jwt.encode(head, kept, self.key, [head["alg"]])


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys()


@pytest.fixture(autouse=True)
def clients_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests here change registrations in the database; that clients are remembered has tests of its own."""
    monkeypatch.setattr("identity.oauth.known_clients.SECONDS", 0)


@pytest.fixture
def dpop() -> DPoP:
    return DPoP()


@pytest.fixture
async def clients(app: FastAPI, keys: Keys) -> None:
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
