"""Requests that mislead: repeated parameters, redirect URIs that only look right, codes of somebody else."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from identity.clients.models import Client
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.shapes import Credentials, Form

PHONE = "19900001323"
OTHER_PERSON = "19900001324"
CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64
RP = ("rp", "r" * 40)
# Parameters of an authorization request.
ASKED = [
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "max_age",
    "claims",
    "acr_values",
    "id_token_hint",
    "login_hint",
    "dpop_jkt",
]
FORM = {"content-type": "application/x-www-form-urlencoded"}
pytestmark = pytest.mark.usefixtures("clients")


async def post(
    http: httpx.AsyncClient, path: str, pairs: list[tuple[str, str]], auth: Credentials | None = None
) -> httpx.Response:
    chosen = httpx.USE_CLIENT_DEFAULT if auth is None else auth
    return await http.post(path, content=urlencode(pairs), headers=FORM, auth=chosen)


# Repeated parameters (RFC 6749 §3.1 and §3.2).


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_rfc6749_3_1_who_asks_and_where_to_must_not_be_said_twice(
    new_browser: NewBrowser, name: str
) -> None:
    browser = new_browser()
    url = browser.authorize_url(verifier=VERIFIER)
    for value in (dict(parse_qsl(urlsplit(url).query))[name], "https://evil.example/"):
        answer = await browser.http.get(f"{url}&{urlencode({name: value})}")
        location = answer.headers.get("location", "")
        # Shown, or told to the registered address; never to the other one.
        assert answer.status_code == 400 or (
            location.startswith(CALLBACK) and "error=invalid_request" in location
        )


@pytest.mark.parametrize("name", [*ASKED, "display", "ui_locales"])
async def test_rfc6749_3_1_a_parameter_of_an_authorization_request_must_not_be_repeated(
    new_browser: NewBrowser, name: str
) -> None:
    browser = new_browser()
    pairs = [*parse_qsl(urlsplit(browser.authorize_url(verifier=VERIFIER)).query), (name, "1"), (name, "2")]
    answer = await browser.http.get("/authorize?" + urlencode(pairs))
    said = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert answer.headers["location"].startswith(CALLBACK)
    assert said["error"] == "invalid_request"
    pushed = await post(browser.http, "/par", pairs)
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("path", "pairs"),
    [
        ("/token", [("grant_type", "client_credentials")]),
        ("/revoke", [("token", "x")]),
        ("/introspect", [("token", "x")]),
    ],
)
async def test_rfc6749_3_2_a_form_with_a_parameter_twice_is_refused(
    new_browser: NewBrowser, path: str, pairs: list[tuple[str, str]]
) -> None:
    http = new_browser().http
    for twice in ([*pairs, *pairs], [*pairs, ("scope", "a"), ("scope", "b")]):
        answer = await post(http, path, twice, RP)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_rfc6750_3_1_two_access_tokens_are_an_invalid_request(new_browser: NewBrowser) -> None:
    browser = new_browser()
    access = (await browser.token(PHONE)).json()["access_token"]
    answers = [
        await post(browser.http, "/userinfo", [("access_token", access)] * 2),
        await browser.http.post(
            "/userinfo", data={"access_token": access}, headers={"Authorization": f"Bearer {access}"}
        ),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert 'error="invalid_request"' in answer.headers["www-authenticate"]


async def test_a_logout_request_with_a_parameter_twice_does_nothing(new_browser: NewBrowser) -> None:
    browser = new_browser()
    hint = (await browser.token(PHONE)).json()["id_token"]
    answer = await post(browser.http, "/end_session", [("id_token_hint", hint)] * 2)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    silent = await browser.http.get(browser.authorize_url(verifier=VERIFIER, prompt="none"))
    assert "code=" in silent.headers["location"]


# Redirect URIs are compared as strings (RFC 9700 §2.1 and §4.1.3).

LOOKALIKES = [
    f"{CALLBACK}/",
    f"{CALLBACK}#",
    f"{CALLBACK}#fragment",
    f"{CALLBACK}?",
    f"{CALLBACK}?x=1",
    f"{CALLBACK}%23",
    f"{CALLBACK}%00",
    f" {CALLBACK}",
    f"{CALLBACK}\n",
    f"{CALLBACK}/../callback",
    "http://localhost:8000/./callback",
    "http://localhost:8000/%2e%2e/callback",
    "http://localhost:8000/callback%2f..",
    "http://localhost:8000//callback",
    "http://localhost:8000\\callback",
    "http://localhost:8000/Callback",
    "http://LOCALHOST:8000/callback",
    "HTTP://localhost:8000/callback",
    "https://localhost:8000/callback",
    "http://localhost.:8000/callback",
    "http://localhost:08000/callback",
    "http://localhost:8001/callback",
    "http://localhost/callback",
    "http://lосalhost:8000/callback",  # Cyrillic о and с
    "http://xn--lalhost-x5g3c:8000/callback",
    "http://user@localhost:8000/callback",
    "http://localhost:8000@evil.example/callback",
    "http://localhost:8000.evil.example/callback",
    "http://127.0.0.1:8000/callback",
    "http://[::1]:8000/callback",
    "//localhost:8000/callback",
    "localhost:8000/callback",
    "javascript:alert(1)",
    "data:text/html,x",
]


@pytest.mark.parametrize("uri", LOOKALIKES, ids=ascii)
async def test_rfc9700_4_1_3_a_redirect_uri_that_only_looks_right_is_never_followed(
    app: FastAPI, connect: Callable[[], httpx.AsyncClient], new_browser: NewBrowser, uri: str
) -> None:
    browser = new_browser()
    answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER, redirect_uri=uri))
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    form = dict(parse_qsl(urlsplit(browser.authorize_url(verifier=VERIFIER)).query)) | {"redirect_uri": uri}
    pushed = await browser.http.post("/par", data=form)
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")


# Codes of somebody else (RFC 9700 §4.5).


async def test_rfc9700_4_5_a_code_of_another_client_is_of_no_use(new_browser: NewBrowser) -> None:
    browser = new_browser()
    code = await tools.code_for(browser)
    answer = await tools.redeem(browser, code, auth=RP)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    # The thief has not used it up.
    assert (await tools.redeem(browser, code)).status_code == 200


async def test_rfc9700_4_5_a_code_of_another_transaction_is_of_no_use(new_browser: NewBrowser) -> None:
    victim, attacker = new_browser(), new_browser()
    stolen = await tools.code_for(victim)
    url = attacker.authorize_url(verifier="a" * 64)
    signed_in = await attacker.sign_in(OTHER_PERSON, url)
    own = await attacker.http.get(signed_in.headers["location"])
    assert "code=" in own.headers["location"]
    # The attacker's client sends the verifier of the attacker's own transaction.
    answer = await tools.redeem(attacker, stolen, code_verifier="a" * 64)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_rfc9700_4_8_2_a_request_without_challenge_cannot_make_a_code_without_one(
    new_browser: NewBrowser,
) -> None:
    # PKCE downgrade: a verifier is refused where no challenge was sent, and there is no such code.
    browser = new_browser()
    for gone in ({"code_challenge": ""}, {"code_challenge": "", "code_challenge_method": ""}):
        answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER, **gone))
        assert "error=invalid_request" in answer.headers["location"]


async def test_rfc9700_2_1_1_without_pkce_a_nonce_is_needed_and_a_verifier_refused(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    async def require(*, pkce: bool) -> None:
        async with app.state.database.transaction() as session:
            changed = update(Client).where(Client.client_id == "rp").values(require_pkce=pkce)
            await session.execute(changed)

    await require(pkce=False)
    browser = new_browser()
    await browser.token(PHONE)
    none = {"code_challenge": "", "code_challenge_method": ""}
    asked = {"client_id": "rp", "redirect_uri": CALLBACK, "scope": "openid", "prompt": "none"}

    async def answer(**changes: str) -> str:
        url = browser.authorize_url(verifier=VERIFIER, **(asked | none | changes))
        return str((await browser.http.get(url)).headers["location"])

    for bad in (
        {"nonce": ""},
        {"scope": "profile"},
        {"code_challenge_method": "S256"},
        {"code_challenge": VERIFIER},
    ):
        assert "error=invalid_request" in await answer(**bad), bad

    async def redeem(**more: str) -> httpx.Response:
        code = dict(parse_qsl(urlsplit(await answer()).query))["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | more
        return await browser.http.post("/token", data=form, auth=RP)

    assert (await redeem()).status_code == 200
    assert (await redeem(code_verifier=VERIFIER)).json()["error"] == "invalid_request"
    # A code from before the client was held to PKCE again.
    held = dict(parse_qsl(urlsplit(await answer()).query))["code"]
    await require(pkce=True)
    form = {"grant_type": "authorization_code", "code": held, "redirect_uri": CALLBACK}
    late = await browser.http.post("/token", data=form, auth=RP)
    assert late.json()["error"] == "invalid_grant"
    assert "error=invalid_request" in await answer()


NONSENSE = ["中文", '"', "\\", "\n", "\x00", "\x7f", "x" * 20_000, "[]", "null", "%", "&"]


@pytest.mark.parametrize(
    "name", [*ASKED, "client_id", "redirect_uri", "request_uri", "request", "resource", "interaction"]
)
async def test_rfc6749_4_1_2_1_nonsense_in_an_authorization_request_is_an_error_of_the_rfc(
    new_browser: NewBrowser, name: str
) -> None:
    browser = new_browser()
    await browser.token(PHONE)
    form = dict(parse_qsl(urlsplit(browser.authorize_url(verifier=VERIFIER, prompt="none")).query))
    for value in NONSENSE:
        for path in ("/authorize", "/par"):
            answer = await browser.http.post(path, data=form | {name: value})
            assert answer.status_code in (201, 303, 400, 401), (path, value)
            location = answer.headers.get("location", "")
            assert not location or location.startswith(f"{CALLBACK}?"), (path, value)
            said = dict(parse_qsl(urlsplit(location).query)) if location else {}
            assert said.get("error_description", "").isascii(), (path, value)


@pytest.mark.parametrize(
    "name", ["grant_type", "client_id", "code", "redirect_uri", "scope", "refresh_token"]
)
async def test_rfc6749_5_2_nonsense_in_a_token_request_is_an_error_of_the_rfc(
    new_browser: NewBrowser, name: str
) -> None:
    http = new_browser().http
    for grant in ("authorization_code", "refresh_token"):
        form = {"grant_type": grant, "code": "x", "refresh_token": "x", "redirect_uri": "x"}
        for value in NONSENSE:
            answer = await http.post("/token", data=form | {name: value}, auth=RP)
            assert answer.status_code in (400, 401), value
            assert answer.json()["error"], value
            assert answer.json().get("error_description", "").isascii(), value


@pytest.mark.parametrize(
    "changes", [{"code": "x" * 100_000}, {"code": "\x00"}, {"code_verifier": "v" * 100_000}]
)
async def test_rfc6749_5_2_nonsense_is_an_invalid_grant(new_browser: NewBrowser, changes: Form) -> None:
    browser = new_browser()
    code = await tools.code_for(browser)
    form: Form = {"code": code}
    answer = await tools.redeem(browser, **(form | changes))
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_grant", "invalid_request")
