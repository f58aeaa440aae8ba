"""oidcc-basic-certification-test-plan: one test per module, named after it."""

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

CALLBACK = "http://localhost:8000/callback"
OTHER = "19900001324"


async def test_oidcc_server(rp: Any) -> None:
    tokens = await rp.tokens(state="abc", nonce="once")
    assert tokens["claims"]["nonce"] == "once"
    assert {"sub", "iat", "exp", "auth_time", "sid"} <= tokens["claims"].keys()


async def test_oidcc_response_type_missing(rp: Any) -> None:
    answer = await rp.http.get(rp.url(response_type=""))
    assert answer.status_code in (303, 400)
    if answer.status_code == 303:
        (error,) = parse_qs(urlsplit(answer.headers["location"]).query)["error"]
        assert error in ("unsupported_response_type", "invalid_request")


async def test_oidcc_idtoken_signature(rp: Any) -> None:
    token = (await rp.tokens())["id_token"]
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header["alg"] == "ES256"
    assert header["kid"] in [key["kid"] for key in (await rp.http.get("/jwks")).json()["keys"]]


async def test_oidcc_idtoken_unsigned(rp: Any) -> None:
    document = (await rp.http.get("/.well-known/openid-configuration")).json()
    assert "none" not in document["id_token_signing_alg_values_supported"]


async def test_oidcc_userinfo_get(rp: Any) -> None:
    tokens = await rp.tokens()
    assert (await rp.userinfo(tokens))["sub"] == tokens["claims"]["sub"]


async def test_oidcc_userinfo_post_header(rp: Any) -> None:
    tokens = await rp.tokens()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await rp.http.post("/userinfo", headers=headers)).json()["sub"] == tokens["claims"]["sub"]


async def test_oidcc_userinfo_post_body(rp: Any) -> None:
    tokens = await rp.tokens()
    answer = await rp.http.post("/userinfo", data={"access_token": tokens["access_token"]})
    assert answer.json()["sub"] == tokens["claims"]["sub"]
    assert (await rp.http.post("/userinfo", data={"access_token": "x"})).status_code == 401


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(rp: Any) -> None:
    assert "nonce" not in (await rp.tokens(nonce=""))["claims"]


async def test_oidcc_scope_profile(rp: Any) -> None:
    assert "name" in await rp.userinfo(await rp.tokens(scope="openid profile"))
    assert "name" not in await rp.userinfo(await rp.tokens(scope="openid"))


async def test_oidcc_scope_email(rp: Any) -> None:
    await _not_offered(rp, "email")


async def test_oidcc_scope_address(rp: Any) -> None:
    await _not_offered(rp, "address")


async def _not_offered(rp: Any, scope: str) -> None:
    # Left out of what is granted, as RFC 6749 §3.3 allows, and said so.
    tokens = await rp.tokens(scope=f"openid {scope}")
    assert tokens["scope"] == "openid"
    assert scope not in await rp.userinfo(tokens)


async def test_oidcc_scope_phone(rp: Any) -> None:
    info = await rp.userinfo(await rp.tokens(scope="openid phone"))
    assert (info["phone_number"], info["phone_number_verified"]) == ("+8619900001323", True)


async def test_oidcc_scope_all(rp: Any) -> None:
    info = await rp.userinfo(await rp.tokens(scope="openid profile email address phone"))
    assert {"sub", "name", "phone_number"} <= info.keys()


async def test_oidcc_alternate_happy_flow(rp: Any) -> None:
    response = await rp.authorize(state="")
    assert "state" not in response
    assert response["iss"] == "http://localhost:8001"


async def test_oidcc_display_page(rp: Any) -> None:
    assert "code" in await rp.authorize(display="page")


async def test_oidcc_display_popup(rp: Any) -> None:
    assert "code" in await rp.authorize(display="popup")


async def test_oidcc_prompt_login(rp: Any, clock: Any) -> None:
    first = (await rp.tokens())["claims"]
    clock.advance(timedelta(seconds=2))
    second = (await rp.tokens(prompt="login"))["claims"]
    assert rp.sign_ins == 2
    assert second["auth_time"] > first["auth_time"]
    assert (second["sub"], second["sid"]) == (first["sub"], first["sid"])


async def test_prompt_login_does_not_fall_back_to_the_old_session(rp: Any, clock: Any) -> None:
    await rp.tokens()
    answer = await rp.http.get(rp.url(prompt="login"))
    back = parse_qs(urlsplit(answer.headers["location"]).query)["return_to"][0]
    # Going back without having signed in, at once or later, with or without the marker.
    for url in (back, rp.url(prompt="login"), back.replace("interaction=", "interaction=x")):
        assert (await rp.http.get(url)).headers["location"].startswith("/login")
    clock.advance(timedelta(minutes=5))
    assert (await rp.http.get(back)).headers["location"].startswith("/login")


async def test_a_marker_serves_one_request_of_one_browser(rp: Any, new_browser: Any) -> None:
    answer = await rp.http.get(rp.url(prompt="login"))
    back = parse_qs(urlsplit(answer.headers["location"]).query)["return_to"][0]
    await rp.browser.sign_in(rp.phone, back)
    assert (await rp.http.get(back.replace("state=st", "state=s2"))).headers["location"].startswith("/login")
    other = new_browser()
    await other.sign_in(rp.phone, rp.url())
    assert (await other.http.get(back)).headers["location"].startswith("/login")
    assert (await rp.http.get(back)).headers["location"].startswith(CALLBACK)


async def test_oidcc_prompt_none_not_logged_in(rp: Any) -> None:
    response = await rp.authorize(prompt="none")
    assert (response["error"], response["state"]) == ("login_required", "st")
    assert "iss" in response


async def test_oidcc_prompt_none_logged_in(rp: Any) -> None:
    first = (await rp.tokens())["claims"]
    second = (await rp.tokens(prompt="none"))["claims"]
    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])
    assert rp.sign_ins == 1


@pytest.mark.parametrize("prompt", ["none login", "none consent", "sometimes"])
async def test_prompt_values_that_contradict_are_refused(rp: Any, prompt: str) -> None:
    assert (await rp.authorize(prompt=prompt))["error"] == "invalid_request"


async def test_prompt_select_account(rp: Any) -> None:
    first = (await rp.tokens())["claims"]["sub"]
    response = await rp.authorize("continue", prompt="select_account")
    assert rp.sign_ins == 1
    assert len(rp.asked) == 1
    assert (await rp.verified((await rp.redeem(response["code"])).json()["id_token"]))["sub"] == first
    rp.phone = OTHER
    response = await rp.authorize("other", prompt="select_account")
    assert (await rp.verified((await rp.redeem(response["code"])).json()["id_token"]))["sub"] != first


async def test_oidcc_max_age_1(rp: Any, clock: Any) -> None:
    first = (await rp.tokens())["claims"]
    clock.advance(timedelta(seconds=2))
    second = (await rp.tokens(max_age="1"))["claims"]
    assert rp.sign_ins == 2
    assert second["auth_time"] > first["auth_time"]


async def test_oidcc_max_age_10000(rp: Any, clock: Any) -> None:
    first = (await rp.tokens())["claims"]
    clock.advance(timedelta(seconds=2))
    second = (await rp.tokens(max_age="10000"))["claims"]
    assert (rp.sign_ins, second["auth_time"]) == (1, first["auth_time"])


async def test_max_age_0_always_asks_and_nonsense_is_refused(rp: Any) -> None:
    await rp.tokens()
    await rp.tokens(max_age="0")
    assert rp.sign_ins == 2
    assert (await rp.authorize(max_age="0", prompt="none"))["error"] == "login_required"
    for bad in ("-1", "x", "1.5", "9" * 30):
        assert (await rp.authorize(max_age=bad))["error"] == "invalid_request"


async def test_default_max_age_of_the_client(rp: Any, register: Any, clock: Any) -> None:
    await rp.tokens()
    await register("hasty", default_max_age=10)
    rp.client_id = "hasty"
    assert "code" in await rp.authorize(prompt="none")
    clock.advance(timedelta(seconds=11))
    assert (await rp.authorize(prompt="none"))["error"] == "login_required"
    assert "code" in await rp.authorize(prompt="none", max_age="60")


async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(rp: Any) -> None:
    assert "code" in await rp.authorize(extra="foobar")


async def test_oidcc_id_token_hint(rp: Any, clock: Any) -> None:
    first = await rp.tokens()
    clock.advance(timedelta(minutes=10))
    second = await rp.tokens(prompt="none", id_token_hint=first["id_token"])
    assert second["claims"]["sub"] == first["claims"]["sub"]


async def test_id_token_hint_of_another_person_or_not_ours(rp: Any) -> None:
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


async def test_oidcc_login_hint(rp: Any) -> None:
    answer = await rp.http.get(rp.url(login_hint="+86 199 0000 1323"))
    assert 'value="19900001323"' in (await rp.http.get(answer.headers["location"])).text
    answer = await rp.http.get(rp.url(login_hint='"><script>'))
    page = await rp.http.get(answer.headers["location"])
    assert "<script" not in page.text
    assert "code" in await rp.authorize(login_hint="somebody@example.com")


async def test_oidcc_ui_locales(rp: Any) -> None:
    assert "code" in await rp.authorize(ui_locales="se")


async def test_oidcc_claims_locales(rp: Any) -> None:
    assert "code" in await rp.authorize(claims_locales="se")


async def test_oidcc_ensure_request_with_acr_values_succeeds(rp: Any) -> None:
    claims = (await rp.tokens(acr_values="urn:elsewhere urn:zhuxue:acr:sms"))["claims"]
    assert claims["acr"] == "urn:zhuxue:acr:sms"
    assert "acr" in (await rp.tokens(acr_values="1 2"))["claims"]


async def test_oidcc_codereuse(rp: Any) -> None:
    code = (await rp.authorize())["code"]
    assert (await rp.redeem(code)).status_code == 200
    again = await rp.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_oidcc_codereuse_30seconds(rp: Any, clock: Any) -> None:
    code = (await rp.authorize())["code"]
    assert (await rp.redeem(code)).status_code == 200
    clock.advance(timedelta(seconds=30))
    assert (await rp.redeem(code)).json()["error"] == "invalid_grant"


async def test_oidcc_ensure_registered_redirect_uri(rp: Any) -> None:
    answer = await rp.http.get(rp.url(redirect_uri="http://localhost:8000/other"))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_ensure_post_request_succeeds(rp: Any) -> None:
    query = dict(parse_qs(urlsplit(rp.url()).query))
    answer = await rp.follow(await rp.http.post("/authorize", data=query))
    assert "code=" in answer.headers["location"]
    direct = await rp.http.post("/authorize", data=query)
    assert direct.headers["location"].startswith(CALLBACK)


async def test_oidcc_server_client_secret_post(rp: Any, register: Any) -> None:
    await register("poster", token_endpoint_auth_method="client_secret_post")
    rp.client_id = "poster"
    form = {
        "grant_type": "authorization_code",
        "code": (await rp.authorize())["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": "v" * 64,
        "client_id": "poster",
        "client_secret": rp.secret,
    }
    assert (await rp.http.post("/token", data=form)).status_code == 200


async def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(rp: Any) -> None:
    response = await rp.authorize(request_uri="https://client.example/request.jwt")
    assert response["error"] == "request_uri_not_supported"


async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(rp: Any) -> None:
    assert (await rp.authorize(request="eyJhbGciOiJub25lIn0.e30."))["error"] == "request_not_supported"


async def test_oidcc_claims_essential(rp: Any) -> None:
    wanted = {"userinfo": {"name": {"essential": True}}, "id_token": {"auth_time": {"essential": True}}}
    tokens = await rp.tokens(claims=json.dumps(wanted))
    assert "auth_time" in tokens["claims"]
    info = await rp.userinfo(tokens)
    assert "name" in info
    assert "phone_number" not in info


async def test_claims_in_the_id_token_essential_acr_and_nonsense(rp: Any, register: Any) -> None:
    wanted: dict[str, Any] = {"id_token": {"phone_number": None, "email": None}}
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


async def test_oidcc_ensure_request_object_with_redirect_uri(rp: Any) -> None:
    answer = await rp.http.get(rp.url(redirect_uri="http://localhost:8000/evil", request="e30.e30."))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp: Any) -> None:
    code = (await rp.authorize())["code"]
    assert (await rp.redeem(code)).status_code == 200
