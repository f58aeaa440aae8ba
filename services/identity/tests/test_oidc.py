"""The issuer: discovery, code flow with PKCE, ID token, userinfo, client credentials and their refusals.

Named after what the RFCs ask; the whole list of the certification's modules is for a later issue.
"""

import asyncio
import base64
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clock import FrozenClock
from testkit.waiting import moments

ISSUER = "http://localhost:8001"
PHONE = "19900001323"
CALLBACK = "http://localhost:8000/callback"
VERIFIER = "v" * 64


def claims_of(token: str) -> JsonObject:
    part = token.split(".")[1]
    claims: JsonObject = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def code_for(browser: Browser, **more: str) -> str:
    url = browser.authorize_url(verifier=VERIFIER, **more)
    answer = await browser.http.get(url)
    if answer.headers["location"].startswith("/login"):
        answer = await browser.sign_in(PHONE, url)
        answer = await browser.http.get(answer.headers["location"])
    return str(parse_qs(urlsplit(answer.headers["location"]).query)["code"][0])


async def redeem(browser: Browser, code: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": "portal",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await browser.http.post("/token", data=form | changes)


async def test_discovery_names_endpoints_that_answer(new_browser: NewBrowser) -> None:
    browser = new_browser()
    document = (await browser.http.get("/.well-known/openid-configuration")).json()
    assert document["issuer"] == ISSUER
    assert (await browser.http.get("/.well-known/oauth-authorization-server")).json() == document
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        path = document[name].removeprefix(ISSUER)
        method = "POST" if name == "token_endpoint" else "GET"
        assert (await browser.http.request(method, path)).status_code not in (404, 405, 500)
    (key, rsa) = (await browser.http.get("/jwks")).json()["keys"]
    assert (rsa["kty"], rsa["alg"], rsa["use"]) == ("RSA", "RS256", "sig")
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert "d" not in key
    assert "d" not in rsa


async def test_rfc9068_access_token(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = (await browser.token(PHONE, "urn:zhuxue:office")).json()
    access = token["access_token"]
    header = json.loads(base64.urlsafe_b64decode(access.split(".")[0] + "=="))
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    claims = claims_of(access)
    assert claims["iss"] == ISSUER
    assert set(claims["aud"]) == {"urn:zhuxue:office", ISSUER}
    assert claims["exp"] - claims["iat"] == 300
    assert (claims["level"], claims["kind"]) == ("county", "student_aid")
    assert claims["unit_path"] == "100000.370000.370100.370102"
    assert "phone" not in json.dumps({k: v for k, v in claims.items() if k != "scope"})
    assert PHONE not in json.dumps(claims)


async def test_oidc_core_id_token_and_userinfo_agree(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = (await browser.token(PHONE)).json()
    claims = claims_of(token["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "portal", "n")
    assert claims["auth_time"] <= claims["iat"]
    info = await browser.http.get("/userinfo", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert info.json()["sub"] == claims["sub"]
    assert info.json()["phone_number"] == f"+86{PHONE}"
    refused = await browser.http.get("/userinfo", headers={"Authorization": f"Bearer {token['id_token']}"})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_rfc9207_iss_in_success_and_error_responses(new_browser: NewBrowser) -> None:
    browser = new_browser()
    for more in ({}, {"scope": "openid", "code_challenge_method": "plain"}):
        url = browser.authorize_url(verifier=VERIFIER, **more)
        answer = await browser.http.get(url)
        if answer.headers["location"].startswith("/login"):
            answer = await browser.sign_in(PHONE, url)
            answer = await browser.http.get(answer.headers["location"])
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert (query["iss"], query["state"]) == ([ISSUER], ["st"])


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"resource": "urn:elsewhere"}, "invalid_target"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
    ],
)
async def test_rfc6749_errors_go_to_the_registered_redirect_uri(
    new_browser: NewBrowser, more: dict[str, str], error: str
) -> None:
    browser = new_browser()
    answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER, **more))
    location = answer.headers["location"]
    assert location.startswith(CALLBACK)
    assert parse_qs(urlsplit(location).query)["error"] == [error]


@pytest.mark.parametrize(
    "more",
    [
        {"redirect_uri": "http://localhost:8000/callback/"},
        {"redirect_uri": "http://localhost:8000/callback?x=1"},
        {"redirect_uri": "http://localhost:8000/callback#f"},
        {"redirect_uri": "http://user@localhost:8000/callback"},
        {"redirect_uri": "http://localhost:8000/%2e%2e/callback"},
        {"redirect_uri": ""},
        {"client_id": "nobody"},
        {"client_id": ""},
    ],
)
async def test_rfc9700_an_untrusted_redirect_is_shown_and_never_followed(
    new_browser: NewBrowser, more: dict[str, str]
) -> None:
    answer = await new_browser().http.get(new_browser().authorize_url(verifier=VERIFIER, **more))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "无法登录" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_rfc7636_a_code_needs_its_verifier(new_browser: NewBrowser) -> None:
    browser = new_browser()
    for changes in ({"code_verifier": "w" * 64}, {"code_verifier": ""}, {"code_verifier": "short"}):
        answer = await redeem(browser, await code_for(browser), **changes)
        assert answer.status_code == 400
        assert answer.json()["error"] in ("invalid_grant", "invalid_request")
        assert answer.headers["cache-control"] == "no-store"


async def test_rfc6749_a_code_is_bound_to_client_and_redirect_uri_and_a_minute(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    wrong = await redeem(browser, await code_for(browser), redirect_uri="http://localhost:8000/other")
    assert wrong.json()["error"] == "invalid_grant"
    code = await code_for(browser)
    clock.advance(timedelta(seconds=60))
    assert (await redeem(browser, code)).json()["error"] == "invalid_grant"


async def test_rfc6749_a_code_used_twice_gives_one_token_and_withdraws_it(new_browser: NewBrowser) -> None:
    browser = new_browser()
    code = await code_for(browser, resource="urn:zhuxue:identity")
    answers = await asyncio.gather(*(redeem(browser, code) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 400, 400, 400]
    (good,) = [a for a in answers if a.status_code == 200]
    headers = {"Authorization": f"Bearer {good.json()['access_token']}"}
    async for _ in moments():
        answer = await browser.http.get("/api/v1/me", headers=headers)
        if answer.status_code == 401:
            break
    assert answer.json()["code"] == "token_revoked"


async def test_duplicated_parameters_are_refused(new_browser: NewBrowser) -> None:
    browser = new_browser()
    code = await code_for(browser)
    body = f"grant_type=authorization_code&client_id=portal&code={code}&code={code}&redirect_uri={CALLBACK}"
    answer = await browser.http.post(
        "/token", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_rfc6749_client_credentials(new_browser: NewBrowser) -> None:
    http = new_browser().http
    form = {"grant_type": "client_credentials", "scope": "directory:read"}
    good = await http.post("/token", data=form, auth=("office", "o" * 40))
    assert good.status_code == 200
    headers = {"Authorization": f"Bearer {good.json()['access_token']}"}
    page = (await http.get("/api/v1/snapshot/units", params={"limit": 1000}, headers=headers)).json()
    assert len(page["items"]) == 1000
    rest = await http.get(
        "/api/v1/snapshot/units", params={"limit": 1000, "cursor": page["next"]}, headers=headers
    )
    assert len(rest.json()["items"]) == 17
    wrong = await http.post("/token", data=form, auth=("office", "x" * 40))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" in wrong.headers
    public = await http.post("/token", data=form | {"client_id": "portal"})
    assert public.json()["error"] in ("invalid_client", "unauthorized_client")
    more = await http.post("/token", data=form | {"scope": "cockpit:read"}, auth=("office", "o" * 40))
    assert more.json()["error"] == "invalid_scope"
    assert (await http.post("/token", data={"grant_type": "password"})).json()[
        "error"
    ] == "unsupported_grant_type"


async def test_a_person_s_token_does_not_open_the_snapshot(new_browser: NewBrowser) -> None:
    browser = new_browser()
    answer = await browser.http.get("/api/v1/snapshot/people", headers=await browser.bearer(PHONE))
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_sign_in_returns_only_to_our_own_authorization_endpoint(new_browser: NewBrowser) -> None:
    http = new_browser().http
    for target in (
        "https://evil.example/",
        "//evil.example/authorize?",
        "/authorize",
        "/authorize?x\r\nSet-Cookie: a",
    ):
        answer = await http.get("/login", params={"return_to": target})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_return_to")


async def test_a_sign_in_form_of_another_browser_is_refused(new_browser: NewBrowser) -> None:
    mine, theirs = new_browser(), new_browser()
    return_to = mine.authorize_url(verifier=VERIFIER)
    await mine.http.get("/login", params={"return_to": return_to})
    form = {"csrf": "0" * 64, "return_to": return_to, "phone": PHONE, "code": "123456"}
    for browser in (mine, theirs):
        answer = await browser.http.post("/login", data=form)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")


async def test_a_session_ends_when_idle(new_browser: NewBrowser, clock: FrozenClock) -> None:
    browser = new_browser()
    await code_for(browser)
    clock.advance(timedelta(minutes=31))
    answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER))
    assert answer.headers["location"].startswith("/login")


async def test_audit_rows_can_be_neither_changed_nor_deleted(new_browser: NewBrowser) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    browser = new_browser()
    await browser.token(PHONE)
    database = browser.app.state.database
    for statement in ("UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.transaction() as session:
                await session.execute(text(statement))
    async with database.transaction() as session:
        actions = set((await session.execute(text("SELECT DISTINCT action FROM audit_log"))).scalars())
    assert {"sign_in", "oauth.token_issued"} <= actions
