"""Calls to the authorization and token endpoints, as clients and browsers make them."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import httpx

from services.identity.tests.support.running_identity import Browser
from services.identity.tests.support.shapes import Caller, Credentials, Headers, JsonObject

CALLBACK = "http://localhost:8000/callback"
PHONE = "19900001323"
VERIFIER = "v" * 64


def claims_of(token: str) -> JsonObject:
    """The claims of a token, unverified."""
    part = token.split(".")[1]
    claims: JsonObject = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def code_for(browser: Browser, **more: str) -> str:
    """Sign in if needed and take the code from the redirect."""
    answer = await browser.http.get(browser.authorize_url(verifier=VERIFIER, **more))
    return await follow(browser, answer, browser.authorize_url(verifier=VERIFIER, **more))


async def follow(browser: Browser, answer: httpx.Response, url: str) -> str:
    """From the answer to an authorization request at `url` to the code."""
    if answer.headers.get("location", "").startswith("/login"):
        answer = await browser.sign_in(PHONE, url)
        answer = await browser.http.get(answer.headers["location"])
    answer = await browser.consented(answer)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert "code" in query, query
    return str(query["code"][0])


async def redeem(
    caller: Caller,
    code: str,
    *,
    auth: Credentials | None = None,
    headers: Headers | None = None,
    **more: str,
) -> httpx.Response:
    """The token request for a code, of `portal` unless a client authenticates."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await _call(caller, form, auth, headers, more)


async def refresh(
    caller: Caller,
    value: str,
    *,
    auth: Credentials | None = None,
    headers: Headers | None = None,
    **more: str,
) -> httpx.Response:
    """The token request for a refresh token, of `portal` unless a client authenticates."""
    return await _call(caller, {"grant_type": "refresh_token", "refresh_token": value}, auth, headers, more)


async def _call(
    caller: Caller,
    form: dict[str, str],
    auth: Credentials | None,
    headers: Headers | None,
    more: dict[str, str],
) -> httpx.Response:
    if auth is None and "client_assertion" not in more:
        form["client_id"] = "portal"
    chosen = httpx.USE_CLIENT_DEFAULT if auth is None else auth
    return await caller.http.post("/token", data=form | more, headers=headers, auth=chosen)
