"""Tokens bound to a key (RFC 9449 §7): taken with a proof for this very request, refused as bearer tokens."""

import base64
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from authkit.dependencies import Authenticated
from authkit.dpop import BadProof, verify_proof
from authkit.proofs import SeenProofs
from authkit.tokens import TokenVerifier
from servicekit import problems
from testkit.tokens import TokenFactory

URL = "https://office.test"
KEY = ECKey.generate_key("P-256")


def make(key: Any = KEY, alg: str = "ES256", token: str | None = None, **changes: Any) -> str:
    claims: dict[str, Any] = {"htm": "GET", "htu": f"{URL}/me", "iat": int(time.time()), "jti": "j"} | changes
    if token is not None:
        digest = sha256(token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)}
    return jwt.encode(head, claims, key, [alg])


@pytest_asyncio.fixture
async def client(verifier: TokenVerifier) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.verifier = verifier
    # The service stands behind a gateway that ends TLS.
    app.state.public_origin = URL
    problems.install(app)

    @app.get("/me")
    @app.get("/me/{name}")
    async def me(caller: Authenticated) -> dict[str, str | None]:
        return {"jkt": caller.jkt}

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside:8000") as client:
        yield client


async def test_a_bound_token_needs_its_proof(client: httpx.AsyncClient, issuer: TokenFactory) -> None:
    token = issuer.access_token(cnf={"jkt": KEY.thumbprint()})
    headers = {"Authorization": f"DPoP {token}", "DPoP": make(token=token)}
    answer = await client.get("/me?page=2", headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"jkt": KEY.thumbprint()})
    again = await client.get("/me", headers=headers)
    assert (again.status_code, again.json()["code"]) == (401, "invalid_dpop_proof")
    as_bearer = await client.get("/me", headers={"Authorization": f"Bearer {token}"})
    assert (as_bearer.status_code, as_bearer.json()["code"]) == (401, "invalid_token")
    other = make(ECKey.generate_key("P-256"), token=token)
    answer = await client.get("/me", headers={"Authorization": f"DPoP {token}", "DPoP": other})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_dpop_proof")
    twice = [("Authorization", f"DPoP {token}"), *[("DPoP", make(token=token, jti=jti)) for jti in "ab"]]
    assert (await client.get("/me", headers=twice)).status_code == 401


@pytest.mark.parametrize("path", ["/me/%E5%AD%A6", "/me/a%20b", "/me/a%3Ab", "/me/a%2541", "/me/a'b"])
async def test_a_proof_names_the_path_as_it_is_sent(
    client: httpx.AsyncClient, issuer: TokenFactory, path: str
) -> None:
    token = issuer.access_token(cnf={"jkt": KEY.thumbprint()})
    for proven, status in ((path, 200), ("/me/aA", 401)):
        headers = {"DPoP": make(token=token, htu=f"{URL}{proven}", jti=proven)}
        answer = await client.get(path, headers=headers | {"Authorization": f"DPoP {token}"})
        assert answer.status_code == status, (path, proven)


@pytest.mark.parametrize("cnf", [{}, {"x5t#S256": "x"}, {"jkt": 1}, {"jkt": ""}, "x", []])
async def test_a_confirmation_we_cannot_check_is_refused(
    client: httpx.AsyncClient, issuer: TokenFactory, cnf: Any
) -> None:
    token = issuer.access_token(cnf=cnf)
    answer = await client.get("/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("https://Office.Test/me", "https://office.test:443/me"),
        ("https://office.test", "https://office.test/"),
        ("https://office.test/me?a=b#c", "https://office.test/me"),
        ("https://office.test/%6de/a%3ab", "https://office.test/me/a%3Ab"),
    ],
)
def test_addresses_are_compared_as_rfc_3986_says(here: str, there: str) -> None:
    assert verify_proof(make(htu=there), method="GET", url=here, now=time.time()).jkt == KEY.thumbprint()


def test_rsa_keys_from_2048_bits() -> None:
    key = RSAKey.generate_key(2048)
    now = time.time()
    assert verify_proof(make(key, "PS256"), method="GET", url=f"{URL}/me", now=now).jti == "j"
    short = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(b"\xff" * 128).decode()}
    head = {"typ": "dpop+jwt", "alg": "PS256", "jwk": short}
    with pytest.raises(BadProof, match="too short"):
        verify_proof(jwt.encode(head, {}, key, ["PS256"]), method="GET", url=f"{URL}/me", now=now)


async def test_a_proof_is_remembered_for_as_long_as_it_could_be_used() -> None:
    seen, now = SeenProofs(), time.time()
    proof = verify_proof(make(), method="GET", url=f"{URL}/me", now=now)
    assert await seen.first(proof, now)
    assert not await seen.first(proof, now + 59)
    assert await seen.first(proof, now + 130)
