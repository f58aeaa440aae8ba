"""Pushed authorization requests (RFC 9126); request objects refused (OpenID Connect Core §6)."""

import asyncio
import base64
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import Credentials
from testkit.pages import hidden_fields

CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64
RP = ("rp", "r" * 40)
pytestmark = pytest.mark.usefixtures("clients")


def parameters(browser: Browser, **more: str) -> dict[str, str]:
    url = browser.authorize_url(verifier=VERIFIER, **({"client_id": "rp"} | more))
    return dict(parse_qsl(urlsplit(url).query))


async def push(browser: Browser, **more: str) -> httpx.Response:
    return await post(browser, RP, **more)


async def post(browser: Browser, auth: Credentials, **more: str) -> httpx.Response:
    return await browser.http.post("/par", data=parameters(browser, **more), auth=auth)


async def pushed_url(browser: Browser, client_id: str = "rp", **more: str) -> str:
    answer = await push(browser, **more)
    assert answer.status_code == 201, answer.text
    return "/authorize?" + urlencode({"client_id": client_id, "request_uri": answer.json()["request_uri"]})


async def test_a_pushed_request_leads_to_a_code_once(new_browser: NewBrowser) -> None:
    browser = new_browser()
    answer = await push(browser)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 60
    assert answer.json()["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    url = await pushed_url(browser, prompt="login")
    code = await tools.follow(browser, await browser.http.get(url), url)
    assert (await tools.redeem(browser, code, auth=RP)).status_code == 200
    again = await browser.http.get(url)
    assert again.status_code == 400
    assert "invalid_request_uri" in again.text


async def test_concurrent_use_gives_one_code(new_browser: NewBrowser) -> None:
    browser = new_browser()
    await tools.code_for(browser)
    url = await pushed_url(browser)
    answers = await asyncio.gather(*(browser.http.get(url) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400, 400]


@pytest.mark.parametrize("prompt", [{}, {"prompt": "consent"}], ids=["first consent", "consent again"])
async def test_a_second_click_on_consent_leads_to_the_client_again(
    new_browser: NewBrowser, app: FastAPI, prompt: dict[str, str]
) -> None:
    """RFC 9126 §4: a reference is used once, but a person may reload."""
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE clients SET first_party = false WHERE client_id = 'rp'"))
    browser = new_browser()
    await tools.code_for(browser)
    url = await pushed_url(browser, **prompt)
    page = await browser.http.get(url)
    form = {**hidden_fields(page.text), "decision": "allow"}
    first, second = [await browser.http.post("/authorize/decision", data=form) for _ in range(2)]
    answers = [await browser.http.get(one.headers["location"]) for one in (first, second)]
    # And once more, after the client was answered.
    third = await browser.http.post("/authorize/decision", data=form)
    answers.append(await browser.http.get(third.headers["location"]))
    for answer in answers:
        assert answer.headers.get("location", "").startswith(f"{CALLBACK}?code="), answer.text
    code = parse_qs(urlsplit(answers[-1].headers["location"]).query)["code"][0]
    assert (await tools.redeem(browser, code, auth=RP)).status_code == 200
    # The reference itself is used up, here and in any other browser that learns of the decision.
    assert "invalid_request_uri" in (await browser.http.get(url)).text
    elsewhere = await new_browser().http.get(third.headers["location"])
    assert (elsewhere.status_code, "invalid_request_uri" in elsewhere.text) == (400, True)


async def test_only_what_was_pushed_counts(new_browser: NewBrowser) -> None:
    browser = new_browser()
    await tools.code_for(browser)
    url = await pushed_url(browser, state="pushed")
    answer = await browser.http.get(
        url + "&state=other&scope=cockpit:write&redirect_uri=https://evil.example"
    )
    location = answer.headers["location"]
    assert location.startswith(CALLBACK)
    assert parse_qs(urlsplit(location).query)["state"] == ["pushed"]


async def test_a_request_uri_or_request_object_cannot_be_pushed(new_browser: NewBrowser) -> None:
    browser = new_browser()
    answer = await push(browser, request_uri="urn:ietf:params:oauth:request_uri:x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = await push(browser, request="a.b.c")
    assert (answer.status_code, answer.json()["error"]) == (400, "request_not_supported")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"resource": "urn:elsewhere"}, "invalid_target"),
        ({"client_id": "portal"}, "invalid_client"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "nonsense"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"claims": "x"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
    ],
    ids=str,
)
async def test_a_bad_request_is_refused_at_once_and_never_by_redirect(
    new_browser: NewBrowser, more: dict[str, str], error: str
) -> None:
    answer = await push(new_browser(), **more)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == error
    assert "location" not in answer.headers


async def test_pages_on_the_way_know_what_was_pushed(new_browser: NewBrowser, app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE clients SET redirect_uris = '{https://rp.example.cn/cb}', first_party = false")
        )
    browser = new_browser()
    url = await pushed_url(browser, redirect_uri="https://rp.example.cn/cb", login_hint="19900001323")
    answer = await browser.http.get(url)
    page = await browser.http.get(answer.headers["location"])
    assert 'value="19900001323"' in page.text
    return_to = parse_qs(urlsplit(answer.headers["location"]).query)["return_to"][0]
    answer = await browser.sign_in("19900001323", return_to)
    consent = await browser.http.get(answer.headers["location"])
    for shown in (page, consent):
        policy = shown.headers["content-security-policy"]
        assert policy.endswith("form-action 'self' https://rp.example.cn"), policy
    answer = await browser.consented(consent)
    assert answer.headers["location"].startswith("https://rp.example.cn/cb?")
    # Whatever else stands in the URL does not count.
    evil = await browser.http.get(
        await pushed_url(browser, redirect_uri="https://rp.example.cn/cb", prompt="consent")
        + "&redirect_uri=https://evil.example&login_hint=somebody"
    )
    assert "evil" not in evil.headers["content-security-policy"]


@pytest.mark.parametrize("payload", ["[" * 5000, "[]", "5", '{"origin":5}', '{"origin":"javascript:x"}', "x"])
async def test_a_made_up_marker_shapes_no_policy(new_browser: NewBrowser, payload: str) -> None:
    marker = base64.urlsafe_b64encode(payload.encode()).decode()
    return_to = "/authorize?" + urlencode({"interaction": marker})
    page = await new_browser().http.get("/login", params={"return_to": return_to})
    assert page.status_code == 200
    assert page.headers["content-security-policy"].endswith("form-action 'self'")


async def test_a_parameter_pushed_twice_is_refused(new_browser: NewBrowser) -> None:
    browser = new_browser()
    body = urlencode(parameters(browser)) + "&state=second"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await browser.http.post("/par", content=body, headers=headers, auth=RP)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_par_needs_the_client(new_browser: NewBrowser) -> None:
    answer = await post(new_browser(), ("rp", "x" * 40))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_public_client_may_push(new_browser: NewBrowser) -> None:
    browser = new_browser()
    answer = await browser.http.post("/par", data=parameters(browser, client_id="portal"))
    assert answer.status_code == 201
    url = "/authorize?" + urlencode({"client_id": "portal", "request_uri": answer.json()["request_uri"]})
    assert await tools.follow(browser, await browser.http.get(url), url)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://rp.example/request.jwt"}, "request_uri_not_supported"),
    ],
)
async def test_request_objects_are_refused(new_browser: NewBrowser, more: dict[str, str], error: str) -> None:
    browser = new_browser()
    answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER, **more))
    location = answer.headers["location"]
    assert location.startswith(CALLBACK)
    assert parse_qs(urlsplit(location).query)["error"] == [error]
    bad = browser.authorize_url(verifier=VERIFIER, redirect_uri="https://evil.example/", **more)
    assert (await browser.http.get(bad)).status_code == 400


async def test_nothing_is_stored_in_clear(new_browser: NewBrowser) -> None:
    browser = new_browser()
    url = await pushed_url(browser, login_hint="19900001323")
    reference = url.rpartition("%3A")[2]
    async with browser.app.state.database.transaction() as session:
        (row,) = (await session.execute(text("SELECT p::text FROM pushed_requests p"))).scalars().all()
    assert all(word not in row and word.encode().hex() not in row for word in (reference, "19900001323"))


@pytest.mark.parametrize("mode", ["query", "form_post"])
async def test_a_request_object_is_refused_to_no_address_that_is_named_twice(
    new_browser: NewBrowser, mode: str
) -> None:
    browser = new_browser()
    url = browser.authorize_url(verifier=VERIFIER, request="a.b.c", response_mode=mode)
    for other in ("https://evil.example/", "http://localhost:8000/callback"):
        answer = await browser.http.get(f"{url}&{urlencode({'redirect_uri': other})}")
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert "evil.example" not in answer.text
