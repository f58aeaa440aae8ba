"""Forged, huge and compressed tokens (RFC 8725) wherever the issuer takes one, refused as each RFC says."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

import pytest

from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clients import AssertionKeys, ProofKey
from testkit.clock import FrozenClock
from testkit.forgeries import forgeries

PHONE = "19900001323"
VERIFIER = "v" * 64
RP = ("rp", "r" * 40)
CREDENTIALS = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"}
pytestmark = pytest.mark.usefixtures("clients")

Check = Callable[[str], Awaitable[object]]


async def published(browser: Browser, alg: str = "ES256") -> JsonObject:
    """The issuer's public key of an algorithm."""
    keys = (await browser.http.get("/jwks")).json()["keys"]
    (key,) = [key for key in keys if key["alg"] == alg]
    return dict(key)


async def every(good: str, key: JsonObject, ask: Check, expected: object) -> None:
    """Each forgery is answered as expected."""
    answers = {name: await ask(token) for name, token in forgeries(good, key).items()}
    assert {name: answer for name, answer in answers.items() if answer != expected} == {}


@pytest.mark.parametrize(
    ("path", "scope"), [("/userinfo", "openid"), ("/api/v1/me", "openid identity")], ids=["userinfo", "api"]
)
async def test_rfc6750_a_forged_access_token_is_an_invalid_token(
    new_browser: NewBrowser, path: str, scope: str
) -> None:
    browser = new_browser()
    good = (await browser.token(PHONE, scope=scope)).json()["access_token"]

    async def ask(token: str) -> tuple[int, str | None, bool]:
        answer = await browser.http.get(path, headers={"Authorization": f"Bearer {token}"})
        said = 'error="invalid_token"' in answer.headers.get("www-authenticate", "")
        return answer.status_code, answer.json().get("code"), said

    assert (await ask(good))[0] == 200
    await every(good, await published(browser), ask, (401, "invalid_token", True))


async def test_rfc6750_a_forged_access_token_in_a_form_body_is_one_too(new_browser: NewBrowser) -> None:
    browser = new_browser()
    good = (await browser.token(PHONE)).json()["access_token"]

    async def ask(token: str) -> int:
        return (await browser.http.post("/userinfo", data={"access_token": token})).status_code

    assert await ask(good) == 200
    await every(good, await published(browser), ask, 401)


async def test_rfc7662_a_forged_access_token_is_not_active(new_browser: NewBrowser) -> None:
    browser = new_browser()
    good = (await browser.token(PHONE, "urn:zhuxue:office")).json()["access_token"]

    async def ask(token: str) -> JsonObject:
        form = {"token": token}
        answer = await browser.http.post("/introspect", data=form, auth=("office", "o" * 40))
        return dict(answer.json())

    assert (await ask(good))["active"] is True
    await every(good, await published(browser), ask, {"active": False})


async def test_rfc7009_a_forged_token_revokes_nothing(new_browser: NewBrowser) -> None:
    browser = new_browser()
    good = (await browser.token(PHONE)).json()["access_token"]

    async def ask(token: str) -> int:
        form = {"token": token, "client_id": "portal"}
        return (await browser.http.post("/revoke", data=form)).status_code

    await every(good, await published(browser), ask, 200)
    headers = {"Authorization": f"Bearer {good}"}
    assert (await browser.http.get("/api/v1/me", headers=headers)).status_code == 200


async def test_oidc_a_forged_id_token_hint_is_an_invalid_request(new_browser: NewBrowser) -> None:
    browser = new_browser()
    good = (await browser.token(PHONE)).json()["id_token"]

    async def ask(token: str) -> str | None:
        url = browser.authorize_url(verifier=VERIFIER, prompt="none")
        form = dict(parse_qsl(urlsplit(url).query)) | {"id_token_hint": token}
        answer = await browser.http.post("/authorize", data=form)
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query)).get("error")

    assert await ask(good) is None
    await every(good, await published(browser), ask, "invalid_request")


async def test_oidc_a_forged_id_token_hint_signs_nobody_out(new_browser: NewBrowser) -> None:
    browser = new_browser()
    good = (await browser.token(PHONE)).json()["id_token"]

    async def ask(token: str) -> tuple[int, bool]:
        answer = await browser.http.post("/end_session", data={"id_token_hint": token})
        return answer.status_code, "location" in answer.headers

    await every(good, await published(browser), ask, (400, False))
    assert (
        "code="
        in (await browser.http.get(browser.authorize_url(verifier=VERIFIER, prompt="none"))).headers[
            "location"
        ]
    )


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
async def test_rfc7523_a_forged_assertion_is_an_invalid_client(
    new_browser: NewBrowser, keys: AssertionKeys, alg: str
) -> None:
    http = new_browser().http
    jwk = {key["kty"]: key for key in keys.jwks["keys"]}["EC" if alg == "ES256" else "RSA"]

    async def ask(token: str) -> tuple[int, str | None]:
        form = CREDENTIALS | keys.auth("jwt") | {"client_assertion": token}
        answer = await http.post("/token", data=form)
        return answer.status_code, answer.json().get("error")

    await every(keys.assertion("jwt", alg=alg), jwk, ask, (401, "invalid_client"))
    assert (await ask(keys.assertion("jwt", alg=alg)))[0] == 200


@pytest.mark.parametrize("name", ["jku", "x5u", "zip", "crit", "jwk"])
async def test_rfc8725_3_an_assertion_must_not_bring_keys_or_extensions_though_rightly_signed(
    new_browser: NewBrowser, keys: AssertionKeys, name: str
) -> None:
    value: object = {"zip": "DEF", "crit": ["exp"], "jwk": keys.ec.as_dict(private=False)}.get(
        name, "https://attacker.example/"
    )
    head = {name: value} if name != "crit" else {"crit": ["b64"], "b64": True}
    form = CREDENTIALS | keys.auth("jwt", header=head)
    answer = await new_browser().http.post("/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_rfc9449_a_forged_proof_is_an_invalid_dpop_proof(
    new_browser: NewBrowser, dpop: ProofKey
) -> None:
    http = new_browser().http
    first = await http.post("/token", data=CREDENTIALS, auth=RP, headers={"DPoP": dpop.proof("/token")})
    good = dpop.proof("/token", nonce=first.headers["dpop-nonce"])

    async def ask(proof: str) -> tuple[int, str | None]:
        answer = await http.post("/token", data=CREDENTIALS, auth=RP, headers={"DPoP": proof})
        return answer.status_code, answer.json().get("error")

    # A proof brings its own key: one of a stranger, well signed, is a good proof of that stranger.
    jwk = dpop.key.as_dict(private=False)
    for name, token in forgeries(good, jwk).items():
        if name != "embedded jwk":
            assert (await ask(token))[0] == 400, name
            assert (await ask(token))[1] == "invalid_dpop_proof", name
    assert (await ask(good))[0] == 200


# Clocks that differ: taken within the leeway, both ways, and not beyond it.


@pytest.mark.parametrize(
    ("claim", "seconds", "taken"),
    [
        ("exp", -29, True),
        ("exp", -31, False),
        ("nbf", 29, True),
        ("nbf", 31, False),
        ("iat", 29, True),
        ("iat", 31, False),
        ("iat", -600, True),
    ],
)
async def test_rfc7523_clock_skew_of_assertions(
    new_browser: NewBrowser, keys: AssertionKeys, clock: FrozenClock, claim: str, seconds: int, taken: bool
) -> None:
    auth = keys.auth("jwt", **{claim: clock.now().timestamp() + seconds})
    answer = await new_browser().http.post("/token", data=CREDENTIALS | auth)
    assert answer.status_code == (200 if taken else 401)
    assert taken or answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize(("seconds", "taken"), [(-59, True), (-61, False), (29, True), (31, False)])
async def test_rfc9449_clock_skew_of_proofs(
    new_browser: NewBrowser, dpop: ProofKey, clock: FrozenClock, seconds: int, taken: bool
) -> None:
    http = new_browser().http
    first = await http.post("/token", data=CREDENTIALS, auth=RP, headers={"DPoP": dpop.proof("/token")})
    proof = dpop.proof("/token", nonce=first.headers["dpop-nonce"], iat=clock.now().timestamp() + seconds)
    answer = await http.post("/token", data=CREDENTIALS, auth=RP, headers={"DPoP": proof})
    assert answer.status_code == (200 if taken else 400)
    assert taken or answer.json()["error"] == "invalid_dpop_proof"
