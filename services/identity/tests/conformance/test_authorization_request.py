"""Authorization requests (OpenID Connect Core §3.1.2) beyond the certification's modules."""

import base64
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from services.identity.tests.support.registering import Register
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clock import FrozenClock
from testkit.relying_party import RelyingParty

CALLBACK = "http://localhost:8000/callback"
OTHER = "19900001324"


async def test_prompt_login_does_not_fall_back_to_the_old_session(
    rp: RelyingParty, clock: FrozenClock
) -> None:
    await rp.tokens()
    answer = await rp.http.get(rp.url(prompt="login"))
    back = parse_qs(urlsplit(answer.headers["location"]).query)["return_to"][0]
    # Going back without having signed in, at once or later, with or without the marker.
    for url in (back, rp.url(prompt="login"), back.replace("interaction=", "interaction=x")):
        assert (await rp.http.get(url)).headers["location"].startswith("/login")
    clock.advance(timedelta(minutes=5))
    assert (await rp.http.get(back)).headers["location"].startswith("/login")


async def test_a_marker_serves_one_request_of_one_browser(rp: RelyingParty, new_browser: NewBrowser) -> None:
    answer = await rp.http.get(rp.url(prompt="login"))
    back = parse_qs(urlsplit(answer.headers["location"]).query)["return_to"][0]
    await rp.browser.sign_in(rp.phone, back)
    assert (await rp.http.get(back.replace("state=st", "state=s2"))).headers["location"].startswith("/login")
    other = new_browser()
    await other.sign_in(rp.phone, rp.url())
    assert (await other.http.get(back)).headers["location"].startswith("/login")
    assert (await rp.http.get(back)).headers["location"].startswith(CALLBACK)


@pytest.mark.parametrize("prompt", ["none login", "none consent", "sometimes"])
async def test_prompt_values_that_contradict_are_refused(rp: RelyingParty, prompt: str) -> None:
    assert (await rp.authorize(prompt=prompt))["error"] == "invalid_request"


async def test_prompt_select_account(rp: RelyingParty) -> None:
    first = (await rp.tokens())["claims"]["sub"]
    response = await rp.authorize("continue", prompt="select_account")
    assert rp.sign_ins == 1
    assert len(rp.asked) == 1
    assert (await rp.verified((await rp.redeem(response["code"])).json()["id_token"]))["sub"] == first
    rp.phone = OTHER
    response = await rp.authorize("other", prompt="select_account")
    assert (await rp.verified((await rp.redeem(response["code"])).json()["id_token"]))["sub"] != first


async def test_max_age_0_always_asks_and_nonsense_is_refused(rp: RelyingParty) -> None:
    await rp.tokens()
    await rp.tokens(max_age="0")
    assert rp.sign_ins == 2
    assert (await rp.authorize(max_age="0", prompt="none"))["error"] == "login_required"
    for bad in ("-1", "x", "1.5", "9" * 30):
        assert (await rp.authorize(max_age=bad))["error"] == "invalid_request"


async def test_default_max_age_of_the_client(
    rp: RelyingParty, register: Register, clock: FrozenClock
) -> None:
    await rp.tokens()
    await register("hasty", default_max_age=10)
    rp.client_id = "hasty"
    assert "code" in await rp.authorize(prompt="none")
    clock.advance(timedelta(seconds=11))
    assert (await rp.authorize(prompt="none"))["error"] == "login_required"
    assert "code" in await rp.authorize(prompt="none", max_age="60")


async def test_id_token_hint_of_another_person_or_not_ours(rp: RelyingParty) -> None:
    first = await rp.tokens()
    header, payload, signature = first["id_token"].split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for bad in (
        f"{unsigned}.{payload}.",
        f"{header}.{payload}.{signature[::-1]}",
        first["access_token"],
        "x",
    ):
        assert (await rp.authorize(prompt="none", id_token_hint=bad))["error"] == "invalid_request"
    rp.phone = OTHER
    await rp.tokens(prompt="login")
    assert (await rp.authorize(prompt="none", id_token_hint=first["id_token"]))["error"] == "login_required"
    # Asked again, the wrong person signs in again: refused; the right person: answered.
    assert (await rp.authorize(id_token_hint=first["id_token"]))["error"] == "login_required"
    rp.phone = "19900001323"
    assert (await rp.tokens(id_token_hint=first["id_token"]))["claims"]["sub"] == first["claims"]["sub"]


async def test_claims_in_the_id_token_essential_acr_and_nonsense(
    rp: RelyingParty, register: Register
) -> None:
    wanted: JsonObject = {"id_token": {"phone_number": None, "email": None}}
    claims = (await rp.tokens(claims=json.dumps(wanted)))["claims"]
    assert claims["phone_number"] == "+8619900001323"
    assert "email" not in claims
    for value, error in (("urn:zhuxue:acr:sms", None), ("high", "unmet_authentication_requirements")):
        wanted = {"id_token": {"acr": {"essential": True, "value": value}}}
        assert (await rp.authorize(claims=json.dumps(wanted))).get("error") == error
    for bad in ("x", "[]", '{"userinfo":[]}', '{"userinfo":{"name":1}}'):
        assert (await rp.authorize(claims=bad))["error"] == "invalid_request"
    await register("narrow", scopes=["openid"])
    rp.client_id = "narrow"
    tokens = await rp.tokens(claims='{"userinfo":{"name":null},"id_token":{"phone_number":null}}')
    assert "phone_number" not in tokens["claims"]
    assert "name" not in await rp.userinfo(tokens)
