"""What RFC 9700 asks of the server as a whole, where no other test is named after it."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from identity.app import build
from identity.clients.models import Client
from messaging.inprocess import InProcessBus
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import NewBrowser
from testkit.pages import hidden_fields

PHONE = "19900001323"
COUNTY_ADMIN = "19900001323"
VERIFIER = "v" * 64
RP = ("rp", "r" * 40)
SPA = "https://spa.example.cn"
PAGES = (
    "/login/passkey",
    "/login/step-up",
    "/end_session",
    "/account",
    "/account/sessions",
    "/account/authorisations",
    "/account/security",
    "/account/security/passkeys",
    "/device",
    "/device?user_code=BCDF-GHJK",
    "/integrations",
)
pytestmark = pytest.mark.usefixtures("clients")


@pytest.mark.parametrize(
    "grant", ["password", "implicit", "urn:ietf:params:oauth:grant-type:saml2-bearer", "refresh_token code"]
)
async def test_rfc9700_2_4_no_other_grant_is_taken_nor_announced(new_browser: NewBrowser, grant: str) -> None:
    http = new_browser().http
    form = {"grant_type": grant, "username": PHONE, "password": "x"}
    answer = await http.post("/token", data=form, auth=RP)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    document = (await http.get("/.well-known/openid-configuration")).json()
    assert grant not in document["grant_types_supported"]


@pytest.mark.parametrize("response_type", ["token", "id_token", "id_token token", "code token", "none"])
async def test_rfc9700_2_1_2_no_token_is_given_by_the_authorization_endpoint(
    new_browser: NewBrowser, response_type: str
) -> None:
    browser = new_browser()
    await browser.token(PHONE)
    answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER, response_type=response_type))
    parts = urlsplit(answer.headers["location"])
    assert dict(parse_qsl(parts.query))["error"] == "unsupported_response_type"
    assert not parts.fragment
    document = (await browser.http.get("/.well-known/openid-configuration")).json()
    assert document["response_types_supported"] == ["code"]


async def test_rfc9700_4_12_a_form_is_never_sent_on(new_browser: NewBrowser) -> None:
    """Redirects after a POST are 303: 307 would carry what was typed to the client."""
    browser = new_browser()
    url = browser.authorize_url(verifier=VERIFIER, prompt="consent")
    form = dict(parse_qsl(urlsplit(url).query))
    answers = [await browser.http.post("/authorize", data=form)]
    answers.append(await browser.sign_in(PHONE, url))
    page = await browser.http.get(answers[-1].headers["location"])
    hidden = hidden_fields(page.text)
    answers.append(await browser.http.post("/authorize/decision", data=hidden | {"decision": "allow"}))
    answers.append(await browser.http.get(answers[-1].headers["location"]))
    answers.append(await browser.http.post("/authorize", data=form | {"prompt": "none"}))
    assert [answer.status_code for answer in answers] == [303] * 5


async def test_rfc9700_2_6_cors_where_scripts_call_and_never_at_the_authorization_endpoint(
    app: FastAPI,
) -> None:
    settings = app.state.settings.model_copy(update={"cors_origins": [SPA]})
    other = build(settings, InProcessBus(), app.state.clock)
    url = "/authorize?client_id=portal"
    async with (
        other.router.lifespan_context(other),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=other), base_url="http://localhost:8001") as http,
    ):
        for path in ("/jwks", "/.well-known/openid-configuration"):
            answer = await http.get(path, headers={"origin": SPA})
            assert answer.headers["access-control-allow-origin"] == SPA
            stranger = await http.get(path, headers={"origin": "https://evil.example"})
            assert "access-control-allow-origin" not in stranger.headers
        preflight = {"origin": SPA, "access-control-request-method": "POST"}
        for path in ("/token", "/device_authorization"):
            asked = await http.options(path, headers=preflight)
            assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, SPA)
        for path in (url, "/login?return_to=/integrations", *PAGES):
            answer = await http.get(path, headers={"origin": SPA})
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert (await http.options(path, headers=preflight)).status_code == 405


async def test_rfc9700_4_15_a_client_cannot_take_the_name_of_a_person(new_browser: NewBrowser) -> None:
    admin = new_browser()
    headers = await admin.bearer(COUNTY_ADMIN)
    me = (await admin.http.get("/api/v1/me", headers=headers)).json()
    body = {
        "client_name": "冒名系统",
        "owner_unit_id": me["unit_id"],
        "redirect_uris": ["https://rp.example.cn/cb"],
    }
    named = await admin.http.post("/api/v1/clients", headers=headers, json=body | {"client_id": me["sub"]})
    assert named.status_code == 422 or named.json()["client_id"] != me["sub"]
    made = await admin.http.post("/api/v1/clients", headers=headers, json=body)
    assert (made.status_code, made.json()["client_id"] != me["sub"]) == (201, True)


async def test_rfc9700_2_5_a_confidential_client_is_not_taken_without_its_credentials(
    new_browser: NewBrowser,
) -> None:
    browser = new_browser()
    code = await tools.code_for(browser, client_id="rp", scope="openid")
    for auth in ({"client_id": "rp"}, {"client_id": "rp", "client_secret": "x" * 40}, {}):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": "http://localhost:8000/callback",
            "code_verifier": VERIFIER,
        }
        answer = await browser.http.post("/token", data=form | auth)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_rfc9700_2_3_a_token_says_its_audience_and_no_more_scope_than_the_client_has(
    new_browser: NewBrowser,
) -> None:
    browser = new_browser()
    code = await tools.code_for(
        browser, client_id="rp", scope="openid profile cockpit:write", resource="urn:zhuxue:office"
    )
    token = (await tools.redeem(browser, code, auth=RP)).json()
    assert set(token["scope"].split()) == {"openid", "profile"}
    claims = tools.claims_of(token["access_token"])
    assert set(claims["aud"]) == {"urn:zhuxue:office", "http://localhost:8001"}
    assert claims["scope"] == token["scope"]
    # For another service it opens nothing.
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert (await browser.http.get("/api/v1/me", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/authorize?x=%00", {}),
        ("POST", "/authorize", {"data": {"x": "y"}}),
        ("GET", "/end_session", {}),
        ("GET", "/jwks?x=%00", {}),
        ("GET", "/.well-known/openid-configuration?x=%00", {}),
        ("GET", "/userinfo", {}),
        ("POST", "/token", {"data": {"x": "\0"}}),
        ("POST", "/token", {"data": {"x": "y" * 2_000_000}}),
        ("POST", "/introspect", {"content": b"x"}),
        ("POST", "/revoke", {"content": b"x"}),
        ("POST", "/par", {"data": {"x": "y" * 2_000_000}}),
        ("POST", "/device_authorization", {"data": {"client_id": "portal"}}),
        ("POST", "/register", {"content": b"x"}),
        ("POST", "/register", {"content": b"x" * 2_000_000}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_statuses_of_the_protocol_are_those_that_openapi_lists(
    new_browser: NewBrowser, method: str, path: str, body: dict[str, Any]
) -> None:
    browser = new_browser()
    answer = await browser.http.request(method, path, **body)
    listed = browser.app.openapi()["paths"][path.partition("?")[0]][method.lower()]["responses"]
    assert str(answer.status_code) in listed
    # None of these endpoints validates a schema.
    assert "422" not in listed or path.startswith("/register/")


async def test_metadata_and_keys_answer_head(new_browser: NewBrowser) -> None:
    """RFC 9110 §9.3.2: what answers GET answers HEAD."""
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"):
        answer = await new_browser().http.head(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("method", "others", "named"),
    [
        ("client_secret_basic", ["client_secret_post"], None),
        ("client_secret_basic", [], "'client_secret_basic'"),
        ("private_key_jwt", [], "'private_key_jwt'"),
    ],
)
async def test_rfc6749_5_2_each_registered_method_is_taken_and_the_refusal_names_them(
    app: FastAPI, new_browser: NewBrowser, method: str, others: list[str], named: str | None
) -> None:
    async with app.state.database.transaction() as session:
        client = await session.get_one(Client, RP[0])
        client.token_endpoint_auth_method = method
        client.additional_token_endpoint_auth_methods = others
    form = {"grant_type": "client_credentials", "client_id": RP[0], "client_secret": RP[1]}
    answer = await new_browser().http.post("/token", data=form)
    if named is None:
        assert answer.status_code == 200, answer.text
    else:
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert named in answer.json()["error_description"]


async def test_rfc6749_5_2_the_refusal_names_the_registered_method_to_who_knows_the_secret(
    new_browser: NewBrowser,
) -> None:
    form = {"grant_type": "client_credentials", "client_id": RP[0]}
    for more, named in (({"client_secret": RP[1]}, True), ({"client_secret": "x" * 40}, False), ({}, False)):
        answer = await new_browser().http.post("/token", data=form | more)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert ("'client_secret_basic'" in answer.json()["error_description"]) is named
