"""DPoP (RFC 9449) at the token and PAR endpoints and at a resource."""

import asyncio
import base64
import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

PHONE = "19900001323"
CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64
CREDENTIALS = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"}
RP = ("rp", "r" * 40)
pytestmark = pytest.mark.usefixtures("clients")


async def nonce_of(browser: Any, dpop: Any) -> str:
    answer = await browser.http.post(
        "/token", data=CREDENTIALS, auth=RP, headers={"DPoP": dpop.proof("/token")}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce")
    return str(answer.headers["dpop-nonce"])


async def bound_token(browser: Any, tools: Any, dpop: Any, nonce: str, **more: str) -> Any:
    code = await tools.code_for(browser, resource="urn:zhuxue:identity", **more)
    return await tools.redeem(browser, code, headers={"DPoP": dpop.proof("/token", nonce=nonce)})


async def me(browser: Any, dpop: Any, token: str, scheme: str = "DPoP", **changes: Any) -> Any:
    more = {"method": "GET", "token": token} | changes
    headers = {"Authorization": f"{scheme} {token}", "DPoP": dpop.proof("/api/v1/me", **more)}
    return await browser.http.get("/api/v1/me", headers=headers)


async def test_a_bound_token_is_taken_with_its_proof_and_not_as_bearer(
    new_browser: Any, tools: Any, dpop: Any
) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    answer = await bound_token(browser, tools, dpop, nonce)
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
    proof = dpop.proof("/userinfo", method="GET", token=access)
    info = await browser.http.get("/userinfo", headers={"Authorization": f"DPoP {access}", "DPoP": proof})
    assert info.status_code == 200
    answer = await browser.http.post("/introspect", data={"token": access}, auth=("office", "o" * 40))
    assert answer.json() == {"active": False}


async def test_a_resource_refuses_every_other_proof(new_browser: Any, tools: Any, dpop: Any) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    access = (await bound_token(browser, tools, dpop, nonce)).json()["access_token"]
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
    ids=str,
)
async def test_dpop_negative_tests(new_browser: Any, dpop: Any, changes: dict[str, Any]) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    headers = {"DPoP": dpop.proof("/token", nonce=nonce, **changes)}
    answer = await browser.http.post("/token", data=CREDENTIALS, auth=RP, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


def unsigned(*parts: dict[str, Any]) -> str:
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts), ""]
    )


async def test_forged_and_private_keys_are_refused(new_browser: Any, dpop: Any) -> None:
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


@pytest.mark.parametrize("seconds", [-10, 10])
async def test_ensure_dpopproof_with_iat_10seconds_off_succeeds(
    new_browser: Any, dpop: Any, seconds: int
) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    headers = {"DPoP": dpop.proof("/token", nonce=nonce, iat=int(time.time()) + seconds)}
    answer = await browser.http.post("/token", data=CREDENTIALS, auth=RP, headers=headers)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


async def test_a_proof_is_used_once(new_browser: Any, dpop: Any) -> None:
    browser = new_browser()
    headers = {"DPoP": dpop.proof("/token", nonce=await nonce_of(browser, dpop))}
    answers = await asyncio.gather(
        *(browser.http.post("/token", data=CREDENTIALS, auth=RP, headers=headers) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_rfc9449_8_a_nonce_lasts_for_minutes_only(new_browser: Any, dpop: Any, clock: Any) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    clock.advance(timedelta(seconds=301))
    late = int(clock.now().timestamp())
    for value in (nonce, "made-up"):
        headers = {"DPoP": dpop.proof("/token", nonce=value, iat=late)}
        answer = await browser.http.post("/token", data=CREDENTIALS, auth=RP, headers=headers)
        assert (answer.json()["error"], answer.headers["dpop-nonce"] != nonce) == ("use_dpop_nonce", True)


async def test_a_public_client_s_refresh_token_is_bound(new_browser: Any, tools: Any, dpop: Any) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    token = (await bound_token(browser, tools, dpop, nonce)).json()
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


async def test_ensure_dpop_auth_code_binding_success(new_browser: Any, tools: Any, dpop: Any) -> None:
    browser = new_browser()
    nonce = await nonce_of(browser, dpop)
    assert (await bound_token(browser, tools, dpop, nonce, dpop_jkt=dpop.jkt)).status_code == 200


async def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    new_browser: Any, tools: Any, dpop: Any
) -> None:
    browser = new_browser()
    stranger = type(dpop)(dpop.origin)
    nonce = await nonce_of(browser, dpop)
    answer = await bound_token(browser, tools, stranger, nonce, dpop_jkt=dpop.jkt)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    answer = await tools.redeem(browser, await tools.code_for(browser, dpop_jkt=dpop.jkt))
    assert answer.json()["error"] == "invalid_grant"


class Fapi:
    """A client of the FAPI 2.0 security profile: PAR, private_key_jwt, DPoP."""

    def __init__(self, browser: Any, tools: Any, keys: Any, dpop: Any, nonce: str) -> None:
        self.browser, self.tools, self.keys, self.dpop, self.nonce = browser, tools, keys, dpop, nonce

    async def push(self, *, proof: bool = False, assertion: Any = None, **more: str) -> Any:
        url = self.browser.authorize_url(verifier=VERIFIER, client_id="fapi", **more)
        form = dict(parse_qsl(urlsplit(url).query)) | self.keys.auth("fapi", **(assertion or {}))
        headers = {"DPoP": self.dpop.proof("/par", nonce=self.nonce)} if proof else {}
        return await self.browser.http.post("/par", data=form, headers=headers)

    async def code(self, **more: Any) -> str:
        pushed = await self.push(**more)
        assert pushed.status_code == 201, pushed.text
        query = {"client_id": "fapi", "request_uri": pushed.json()["request_uri"]}
        url = "/authorize?" + urlencode(query)
        return str(await self.tools.follow(self.browser, await self.browser.http.get(url), url))

    async def redeem(self, code: str, *, key: Any = None, assertion: Any = None, **more: str) -> Any:
        headers = {"DPoP": (key or self.dpop).proof("/token", nonce=self.nonce)}
        auth = self.keys.auth("fapi", **(assertion or {}))
        return await self.tools.redeem(self.browser, code, headers=headers, **(auth | more))


@pytest.fixture
async def fapi(new_browser: Any, tools: Any, keys: Any, dpop: Any) -> Fapi:
    browser = new_browser()
    return Fapi(browser, tools, keys, dpop, await nonce_of(browser, dpop))


async def test_fapi2_security_profile_final_happy_flow(fapi: Fapi) -> None:
    answer = await fapi.redeem(await fapi.code())
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"


async def test_fapi2_security_profile_final_refresh_token(fapi: Fapi) -> None:
    token = (await fapi.redeem(await fapi.code())).json()
    for _ in range(2):
        headers = {"DPoP": fapi.dpop.proof("/token", nonce=fapi.nonce)}
        auth = fapi.keys.auth("fapi")
        answer = await fapi.tools.refresh(fapi.browser, token["refresh_token"], headers=headers, **auth)
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "DPoP"


async def test_fapi2_ensure_holder_of_key_required(fapi: Fapi) -> None:
    code = await fapi.code()
    answer = await fapi.tools.redeem(fapi.browser, code, **fapi.keys.auth("fapi"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    assert (await fapi.redeem(code)).status_code == 200


async def test_fapi2_ensure_client_assertion_in_token_endpoint(fapi: Fapi) -> None:
    code = await fapi.code()
    headers = {"DPoP": fapi.dpop.proof("/token", nonce=fapi.nonce)}
    answer = await fapi.tools.redeem(fapi.browser, code, headers=headers, client_id="fapi")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_fapi2_ensure_dpopproof_at_par_endpoint_binding_success(fapi: Fapi) -> None:
    assert (await fapi.redeem(await fapi.code(proof=True))).status_code == 200


async def test_fapi2_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(fapi: Fapi) -> None:
    answer = await fapi.redeem(await fapi.code(proof=True), key=type(fapi.dpop)(fapi.dpop.origin))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_fapi2_ensure_mismatched_dpop_jkt_fails(fapi: Fapi) -> None:
    answer = await fapi.push(proof=True, dpop_jkt=type(fapi.dpop)(fapi.dpop.origin).jkt)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "assertion",
    [
        {"alg": "RS256"},
        {"aud": ["http://localhost:8001"]},
        {"aud": "http://localhost:8001/par"},
        {"aud": "http://localhost:8001/token"},
        {"aud": "https://elsewhere.example"},
        {"sub": None},
        {"exp": int(time.time()) - 300},
        {"nbf": int(time.time()) + 3600},
    ],
    ids=str,
)
async def test_fapi2_client_assertions_that_fail(fapi: Fapi, assertion: dict[str, Any]) -> None:
    answer = await fapi.push(assertion=assertion)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_fapi2_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    fapi: Fapi,
) -> None:
    assertion = {"nbf": int(time.time()) + 8, "alg": "PS256"}
    assert (await fapi.push(assertion=assertion)).status_code == 201


async def test_fapi2_ensure_authorization_code_is_bound_to_client(fapi: Fapi) -> None:
    code = await fapi.code()
    headers = {"DPoP": fapi.dpop.proof("/token", nonce=fapi.nonce)}
    answer = await fapi.tools.redeem(fapi.browser, code, auth=RP, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_fapi2_attempt_reuse_authorization_code_after_one_second(fapi: Fapi) -> None:
    code = await fapi.code()
    token = (await fapi.redeem(code)).json()
    assert (await fapi.redeem(code)).json()["error"] == "invalid_grant"
    headers = {"DPoP": fapi.dpop.proof("/token", nonce=fapi.nonce)}
    auth = fapi.keys.auth("fapi")
    answer = await fapi.tools.refresh(fapi.browser, token["refresh_token"], headers=headers, **auth)
    assert answer.json()["error"] == "invalid_grant"


async def test_discovery_announces_all_of_it(new_browser: Any) -> None:
    browser = new_browser()
    document = (await browser.http.get("/.well-known/openid-configuration")).json()
    for name in ("revocation", "introspection", "pushed_authorization_request"):
        path = document[f"{name}_endpoint"].removeprefix("http://localhost:8001")
        assert (await browser.http.post(path)).json()["error"] == "invalid_client"
    assert document["dpop_signing_alg_values_supported"] == ["ES256", "PS256"]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "RS256", "PS256"]
    assert "private_key_jwt" in document["token_endpoint_auth_methods_supported"]
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    assert "refresh_token" in document["grant_types_supported"]
    assert document["request_parameter_supported"] is False
