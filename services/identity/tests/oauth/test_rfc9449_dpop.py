"""DPoP (RFC 9449) at the token and PAR endpoints and at a resource."""

import asyncio
import base64
import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clients import ProofKey
from testkit.clock import FrozenClock

PHONE = "19900001323"
CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64
CREDENTIALS = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"}
RP = ("rp", "r" * 40)
pytestmark = pytest.mark.usefixtures("clients")


async def nonce_of(browser: Browser, dpop: ProofKey) -> str:
    answer = await browser.http.post(
        "/token", data=CREDENTIALS, auth=RP, headers={"DPoP": dpop.proof("/token")}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce")
    return str(answer.headers["dpop-nonce"])


async def bound_token(browser: Browser, dpop: ProofKey, nonce: str, **more: str) -> httpx.Response:
    code = await tools.code_for(browser, resource="urn:zhuxue:identity", **more)
    return await tools.redeem(browser, code, headers={"DPoP": dpop.proof("/token", nonce=nonce)})


async def me(
    browser: Browser, dpop: ProofKey, token: str, scheme: str = "DPoP", **changes: Any
) -> httpx.Response:
    more = {"method": "GET", "token": token} | changes
    headers = {"Authorization": f"{scheme} {token}", "DPoP": dpop.proof("/api/v1/me", **more)}
    return await browser.http.get("/api/v1/me", headers=headers)


async def test_a_bound_token_is_taken_with_its_proof_and_not_as_bearer(
    new_browser: NewBrowser, dpop: ProofKey
) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    answer = await bound_token(browser, dpop, nonce)
    assert answer.status_code == 200, answer.text
    assert answer.headers["dpop-nonce"]
    token = answer.json()
    access = token["access_token"]
    assert token["token_type"] == "DPoP"
    assert tools.claims_of(access)["cnf"] == {"jkt": dpop.jkt}
    assert (await me(browser, dpop, access)).status_code == 200
    # FAPI 2 module access-token-type-header-case-sensitivity.
    assert (await me(browser, dpop, access, "dPoP")).status_code == 200
    assert (await me(browser, dpop, access, "Bearer")).status_code == 401
    for path in ("/api/v1/me", "/userinfo"):
        answer = await browser.http.get(path, headers={"Authorization": f"Bearer {access}"})
        assert answer.status_code == 401
        # RFC 9449 §7.1: it says which scheme the token needs.
        assert answer.headers["www-authenticate"] == (
            'DPoP realm="zhuxue", error="invalid_token", '
            'error_description="The token is bound to a DPoP key", algs="ES256 PS256"'
        )
    proof = dpop.proof("/userinfo", method="GET", token=access)
    info = await browser.http.get("/userinfo", headers={"Authorization": f"DPoP {access}", "DPoP": proof})
    assert info.status_code == 200
    answer = await browser.http.post("/introspect", data={"token": access}, auth=("office", "o" * 40))
    assert answer.json() == {"active": False}


async def test_a_resource_refuses_every_other_proof(new_browser: NewBrowser, dpop: ProofKey) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    access = (await bound_token(browser, dpop, nonce)).json()["access_token"]
    stranger = type(dpop)(dpop.origin)
    unbound = (await browser.token(PHONE)).json()["access_token"]
    answers = [
        await me(browser, stranger, access),
        await me(browser, dpop, unbound),
        await me(browser, dpop, access, method="POST"),
        await me(browser, dpop, access, htu="http://localhost:8001/api/v1/you"),
        await me(browser, dpop, access, htu="http://elsewhere.example/api/v1/me"),
        await me(browser, dpop, access, ath=None),
        await me(browser, dpop, access, ath="x"),
        await me(browser, dpop, access, iat=int(time.time()) - 300),
        await me(browser, dpop, access, iat=int(time.time()) + 3600),
        await browser.http.get("/api/v1/me", headers={"Authorization": f"DPoP {access}"}),
    ]
    proof = dpop.proof("/api/v1/me", method="GET", token=access)
    headers = {"Authorization": f"DPoP {access}", "DPoP": proof}
    assert (await browser.http.get("/api/v1/me", headers=headers)).status_code == 200
    answers.append(await browser.http.get("/api/v1/me", headers=headers))
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_dpop_proof")
        assert answer.headers["www-authenticate"].startswith("DPoP ")


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htm": None},
        {"htu": "http://localhost:8001/par"},
        {"htu": None},
        {"htu": "nonsense"},
        {"htu": "http://user@localhost:8001/token"},
        {"iat": None},
        {"iat": "now"},
        {"iat": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"exp": int(time.time()) - 1},
        {"nbf": int(time.time()) + 3600},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 300},
        {"header": {"typ": "JWT"}},
        {"header": {"jku": "https://evil.example/jwks"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_wrong_claim_or_header_is_refused(
    new_browser: NewBrowser, dpop: ProofKey, changes: JsonObject
) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    headers = {"DPoP": dpop.proof("/token", nonce=nonce, **changes)}
    answer = await browser.http.post("/token", data=CREDENTIALS, auth=RP, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


def unsigned(*parts: JsonObject) -> str:
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts), ""]
    )


async def test_forged_and_private_keys_are_refused(new_browser: NewBrowser, dpop: ProofKey) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    claims = {
        "htm": "POST",
        "htu": "http://localhost:8001/token",
        "iat": int(time.time()),
        "jti": "forged",
        "nonce": nonce,
    }
    other = ECKey.generate_key("P-256")
    secret = OctKey.import_key("s" * 32)
    public = dpop.key.as_dict(private=False)
    head = {"typ": "dpop+jwt"}
    proofs = [
        jwt.encode(head | {"alg": "ES256", "jwk": public}, claims, other, ["ES256"]),
        jwt.encode(
            head | {"alg": "ES256", "jwk": dpop.key.as_dict(private=True)}, claims, dpop.key, ["ES256"]
        ),
        jwt.encode(head | {"alg": "HS256", "jwk": secret.as_dict()}, claims, secret, ["HS256"]),
        unsigned(head | {"alg": "none", "jwk": public}, claims),
        jwt.encode(head | {"alg": "ES256"}, claims, dpop.key, ["ES256"]),
        "x",
        "a.b.c",
        dpop.proof("/token", nonce=nonce) + ", " + dpop.proof("/token", nonce=nonce),
    ]
    for proof in proofs:
        answer = await browser.http.post("/token", data=CREDENTIALS, auth=RP, headers={"DPoP": proof})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), proof
    twice = [("DPoP", dpop.proof("/token", nonce=nonce)), ("DPoP", dpop.proof("/token", nonce=nonce))]
    answer = await browser.http.post("/token", data=CREDENTIALS, auth=RP, headers=twice)
    assert answer.json()["error"] == "invalid_dpop_proof"


async def test_a_proof_is_used_once(new_browser: NewBrowser, dpop: ProofKey) -> None:
    browser = new_browser()
    headers = {"DPoP": dpop.proof("/token", nonce=await nonce_of(browser, dpop))}
    answers = await asyncio.gather(
        *(browser.http.post("/token", data=CREDENTIALS, auth=RP, headers=headers) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_rfc9449_8_a_nonce_lasts_for_minutes_only(
    new_browser: NewBrowser, dpop: ProofKey, clock: FrozenClock
) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    clock.advance(timedelta(seconds=301))
    late = int(clock.now().timestamp())
    for value in (nonce, "made-up"):
        headers = {"DPoP": dpop.proof("/token", nonce=value, iat=late)}
        answer = await browser.http.post("/token", data=CREDENTIALS, auth=RP, headers=headers)
        assert (answer.json()["error"], answer.headers["dpop-nonce"] != nonce) == ("use_dpop_nonce", True)


async def test_a_public_client_s_refresh_token_is_bound(new_browser: NewBrowser, dpop: ProofKey) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    token = (await bound_token(browser, dpop, nonce)).json()
    value = token["refresh_token"]
    stranger = type(dpop)(dpop.origin)
    for headers in ({}, {"DPoP": stranger.proof("/token", nonce=nonce)}):
        answer = await tools.refresh(browser, value, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    headers = {"DPoP": dpop.proof("/token", nonce=nonce)}
    renewed = (await tools.refresh(browser, value, headers=headers)).json()
    assert tools.claims_of(renewed["access_token"])["cnf"] == {"jkt": dpop.jkt}
    answer = await tools.refresh(browser, renewed["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"


async def test_rfc9449_10_a_code_bound_to_a_key_is_of_no_use_without_it(
    new_browser: NewBrowser, dpop: ProofKey
) -> None:
    browser = new_browser()
    answer = await tools.redeem(browser, await tools.code_for(browser, dpop_jkt=dpop.jkt))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_10_1_a_proof_at_the_authorization_endpoint_means_nothing(
    new_browser: NewBrowser, dpop: ProofKey
) -> None:
    """Only `dpop_jkt`, or a proof where the request is pushed, binds a code."""
    browser = new_browser()
    await tools.code_for(browser)
    headers = {"DPoP": dpop.proof("/authorize", method="GET")}
    answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER), headers=headers)
    code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
    assert (await tools.redeem(browser, code)).json()["token_type"] == "Bearer"


async def test_discovery_announces_all_of_it(new_browser: NewBrowser) -> None:
    browser = new_browser()
    document = (await browser.http.get("/.well-known/openid-configuration")).json()
    # What is told nothing takes the first one.
    assert document["token_endpoint_auth_methods_supported"][0] == "client_secret_basic"
    assert document["token_endpoint_auth_methods_supported"][-1] == "none"
    for name in ("revocation", "introspection", "pushed_authorization_request"):
        path = document[f"{name}_endpoint"].removeprefix("http://localhost:8001")
        assert (await browser.http.post(path)).json()["error"] == "invalid_client"
    assert document["dpop_signing_alg_values_supported"] == ["ES256", "PS256"]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "RS256", "PS256"]
    assert "private_key_jwt" in document["token_endpoint_auth_methods_supported"]
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    assert "refresh_token" in document["grant_types_supported"]
    assert document["request_parameter_supported"] is False
