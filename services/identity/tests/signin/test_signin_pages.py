"""Pages and cookies of signing in, as browsers see them over TLS."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from identity.app import build
from messaging.inprocess import InProcessBus
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.pages import hidden_fields

PHONE = "19900001323"
UNREGISTERED = "13812345678"
VERIFIER = "v" * 64
EVIL = {"origin": "https://evil.example"}


@pytest.fixture
def issuer() -> str:
    return "https://id.example.cn"


async def login_form(browser: Browser) -> dict[str, str]:
    return_to = browser.authorize_url(verifier=VERIFIER)
    page = await browser.http.get("/login", params={"return_to": return_to})
    return {"csrf": hidden_fields(page.text)["csrf"], "return_to": return_to, "phone": PHONE}


async def test_the_session_cookie_is_bound_to_host_and_tls_and_hidden_from_scripts(
    new_browser: NewBrowser,
) -> None:
    browser = new_browser()
    answer = await browser.sign_in(PHONE, browser.authorize_url(verifier=VERIFIER))
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if "session" in c]
    name, *attributes = [part.strip() for part in cookie.split(";")]
    assert name.startswith("__Host-zhuxue_session=")
    said = {part.lower() for part in attributes}
    assert {"secure", "httponly", "samesite=lax", "path=/", "max-age=43200"} <= said
    # __Host- cookies must not name a domain.
    assert not any(part.startswith("domain") for part in said)


async def test_the_form_s_cookie_is_hidden_from_scripts_too(new_browser: NewBrowser) -> None:
    browser = new_browser()
    return_to = browser.authorize_url(verifier=VERIFIER)
    page = await browser.http.get("/login", params={"return_to": return_to})
    for cookie in page.headers.get_list("set-cookie"):
        assert {"secure", "httponly", "samesite=lax"} <= {part.strip().lower() for part in cookie.split(";")}


async def test_a_new_sign_in_gives_the_session_a_new_cookie(new_browser: NewBrowser) -> None:
    browser = new_browser()
    cookies = []
    for _ in range(2):
        async with browser.app.state.database.transaction() as session:
            from sqlalchemy import text

            await session.execute(text("DELETE FROM sms_codes"))
        await browser.sign_in(PHONE, browser.authorize_url(verifier=VERIFIER))
        cookies += [value for name, value in browser.http.cookies.items() if "session" in name]
    assert cookies[0] != cookies[1]
    old = httpx.Cookies({"__Host-zhuxue_session": cookies[0]})
    other = new_browser()
    other.http.cookies = old
    answer = await other.http.get(browser.authorize_url(verifier=VERIFIER))
    assert answer.headers["location"].startswith("/login")


async def test_a_session_ends_after_twelve_hours_however_busy(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    await browser.sign_in(PHONE, browser.authorize_url(verifier=VERIFIER))
    silent = browser.authorize_url(verifier=VERIFIER, prompt="none")
    for _ in range(12 * 3 - 1):
        clock.advance(timedelta(minutes=20))
        assert "code=" in (await browser.http.get(silent)).headers["location"]
    clock.advance(timedelta(minutes=20))
    assert "login_required" in (await browser.http.get(silent)).headers["location"]


async def pages(browser: Browser) -> dict[str, httpx.Response]:
    """Every page that a person may see on the way in and out."""
    http, url = browser.http, browser.authorize_url(verifier=VERIFIER)
    seen = {
        "refused": await http.get(browser.authorize_url(verifier=VERIFIER, client_id="nobody")),
        "sign in": await http.get("/login", params={"return_to": url}),
    }
    await browser.sign_in(PHONE, url)
    seen |= {
        "consent": await http.get(browser.authorize_url(verifier=VERIFIER, prompt="consent")),
        "choose": await http.get(browser.authorize_url(verifier=VERIFIER, prompt="select_account")),
        "posted": await http.get(browser.authorize_url(verifier=VERIFIER, response_mode="form_post")),
        "sessions": await http.get("/account/sessions"),
        "integrations": await http.get("/integrations"),
        "sign out": await http.get("/end_session"),
    }
    hint = (await browser.token(PHONE)).json()["id_token"]
    return seen | {"signed out": await http.get("/end_session", params={"id_token_hint": hint})}


async def test_pages_are_not_framed_or_cached_and_load_nothing_foreign(new_browser: NewBrowser) -> None:
    for name, page in (await pages(new_browser())).items():
        assert page.headers["content-type"].startswith("text/html"), name
        policy = dict(
            part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";")
        )
        assert (policy["default-src"], policy["base-uri"]) == ("'none'", "'none'"), name
        assert policy["frame-ancestors"] == "'none'", name
        assert (policy["style-src"], policy["img-src"]) == ("'self'", "'self'"), name
        scripts = policy.get("script-src", "'none'").split()
        assert all(source in ("'none'", "'self'") or source.startswith("'sha256-") for source in scripts), (
            name
        )
        assert "unsafe" not in page.headers["content-security-policy"], name
        assert page.headers["x-frame-options"] == "DENY", name
        assert page.headers["cache-control"] == "no-store", name
        assert page.headers["referrer-policy"] == "no-referrer", name
        assert page.headers["x-content-type-options"] == "nosniff", name
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"([^\"]+)\"", page.text)
        assert all(not urlsplit(address).netloc for address in loaded), name
        assert not re.search(r"<[^>]+\s(?:on\w+|style)=", page.text), name


@pytest.mark.parametrize("path", ["/login", "/login/code"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://id.example.cn.evil.example", "http://id.example.cn"]
)
async def test_a_sign_in_form_from_another_origin_is_refused(
    new_browser: NewBrowser, path: str, origin: str
) -> None:
    browser = new_browser()
    form = await login_form(browser) | {"code": "123456"}
    answer = await browser.http.post(path, data=form, headers={"origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")
    assert not browser.app.state.sms.messages
    for ours in ("https://id.example.cn", "null"):
        assert (await browser.http.post(path, data=form, headers={"origin": ours})).status_code != 403


async def test_the_page_does_not_tell_whether_a_number_is_registered(new_browser: NewBrowser) -> None:
    browser = new_browser()
    form = await login_form(browser)
    texts = []
    for phone in (PHONE, UNREGISTERED):
        answer = await browser.http.post("/login/code", data=form | {"phone": phone})
        wrong = await browser.http.post("/login", data=form | {"phone": phone, "code": "000000"})
        assert (answer.status_code, wrong.status_code) == (200, 400)
        texts.append([page.text.replace(phone, "…") for page in (answer, wrong)])
    assert texts[0] == texts[1]


async def test_sms_codes_have_a_budget_for_each_address(new_browser: NewBrowser, clock: FrozenClock) -> None:
    browser = new_browser()
    state = browser.app.state
    state.settings = state.settings.model_copy(update={"sms_budget_per_address": 1})

    async def ask(number: int) -> httpx.Response:
        body = {"phone": f"1381234{number:04d}", "purpose": "register"}
        answer: httpx.Response = await browser.http.post("/api/v1/sms-codes", json=body)
        return answer

    assert (await ask(0)).status_code == 202
    spent = await ask(3)
    assert (spent.status_code, spent.json()["code"]) == (429, "code_budget_spent")
    form = await login_form(browser)
    page = await browser.http.post("/login/code", data=form)
    assert page.status_code == 429
    clock.advance(timedelta(hours=1))
    assert (await ask(3)).status_code == 202


async def test_the_inbox_of_text_messages_is_not_there_in_production(app: FastAPI) -> None:
    changes = {
        "mode": "production",
        "rabbitmq_url": "amqp://localhost/",
        "sms_gateway_url": "https://sms.example.cn/",
        "sms_gateway_secret": "s" * 32,
    }
    values = app.state.settings.model_dump() | changes
    production = build(type(app.state.settings)(**values), InProcessBus())
    paths = {getattr(route, "path", "") for route in production.routes}
    assert not any(path.startswith("/dev") for path in paths)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=production), base_url="https://id.example.cn"
    ) as http:
        assert (await http.get("/dev/sms")).status_code == 404
        assert (await http.get("/dev/sms.json", params={"phone": PHONE})).status_code == 404
    await production.state.database.close()


async def test_production_does_not_start_without_an_sms_gateway(app: FastAPI) -> None:
    values = app.state.settings.model_dump() | {"mode": "production", "rabbitmq_url": "amqp://localhost/"}
    with pytest.raises(ValueError, match="sms_gateway_url"):
        type(app.state.settings)(**values)


@pytest.mark.parametrize("path", ["/login", "/device", "/authorize/decision", "/account/security/remove"])
async def test_a_person_is_shown_a_refusal_as_a_page(new_browser: NewBrowser, path: str) -> None:
    http = new_browser().http
    form = {"csrf": "0" * 64, "return_to": "/device", "decision": "allow", "user_code": "BBBB-BBBB"}
    shown = await http.post(path, data=form, headers={"accept": "text/html,*/*;q=0.8"})
    told = await http.post(path, data=form)
    assert shown.status_code == told.status_code
    assert 400 <= told.status_code < 500
    assert told.headers["content-type"] == "application/problem+json"
    assert shown.headers["content-type"].startswith("text/html")
    assert told.json()["detail"] in shown.text
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]


async def test_rfc7617_2_a_basic_challenge_names_its_realm(new_browser: NewBrowser) -> None:
    form = {"grant_type": "client_credentials"}
    answer = await new_browser().http.post("/token", data=form, auth=("nobody", "x"))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Basic realm="zhuxue", error="invalid_client"')


async def test_a_sign_in_posted_with_a_trailing_slash_goes_nowhere(new_browser: NewBrowser) -> None:
    answer = await new_browser().http.post(
        "/login/", data={"phone": "13800000000"}, headers={"Host": "evil.example"}
    )
    assert answer.status_code == 404
    assert "location" not in answer.headers
