"""oidcc-basic-certification-test-plan, and oidcc-formpost-basic-certification-test-plan, which has the same
modules in the other response mode. One test per module, named after it.
"""

import base64
import json
from datetime import timedelta
from html import escape
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest

from services.identity.tests.support.registering import Register
from testkit.clock import FrozenClock
from testkit.relying_party import RelyingParty

CALLBACK = "http://localhost:8000/callback"


@pytest.fixture
def pkce() -> bool:
    return False


@pytest.fixture(params=["query", "form_post"], autouse=True)
def response_mode(request: pytest.FixtureRequest, rp: RelyingParty) -> None:
    rp.response_mode = request.param


async def test_the_requests_are_those_of_the_suite(rp: RelyingParty) -> None:
    sent: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request)

    rp.http.event_hooks["request"].append(note)
    await rp.tokens()
    asked = next(one for one in sent if one.url.path == "/authorize")
    mode = b"" if rp.response_mode == "query" else b"&response_mode=form_post"
    assert asked.url.query == (
        b"client_id=rp&redirect_uri=http://localhost:8000/callback&scope=openid&state=st&nonce=n"
        b"&response_type=code" + mode
    )
    redeemed = next(one for one in sent if one.url.path == "/token")
    assert [name for name, _ in parse_qsl(redeemed.content.decode())] == [
        "grant_type",
        "code",
        "redirect_uri",
    ]
    assert redeemed.headers["authorization"].startswith("Basic ")


async def test_oidcc_server(rp: RelyingParty) -> None:
    tokens = await rp.tokens(state="abc", nonce="once")
    assert tokens["claims"]["nonce"] == "once"
    assert {"sub", "iat", "exp", "auth_time", "sid"} <= tokens["claims"].keys()


async def test_oidcc_response_type_missing(rp: RelyingParty) -> None:
    response = rp.response_of(await rp.http.get(rp.url(response_type="")))
    assert response["error"] in ("unsupported_response_type", "invalid_request")
    assert "code" not in response


async def test_oidcc_idtoken_signature(rp: RelyingParty) -> None:
    token = (await rp.tokens())["id_token"]
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header["alg"] == "ES256"
    assert header["kid"] in [key["kid"] for key in (await rp.http.get("/jwks")).json()["keys"]]


async def test_oidcc_idtoken_unsigned(rp: RelyingParty) -> None:
    # Nobody is given one: tests of dynamic registration show that it cannot be asked for.
    assert "none" not in (await rp.discovery())["id_token_signing_alg_values_supported"]


async def test_oidcc_userinfo_get(rp: RelyingParty) -> None:
    tokens = await rp.tokens()
    assert (await rp.userinfo(tokens))["sub"] == tokens["claims"]["sub"]


async def test_oidcc_userinfo_post_header(rp: RelyingParty) -> None:
    tokens = await rp.tokens()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await rp.http.post("/userinfo", headers=headers)).json()["sub"] == tokens["claims"]["sub"]


async def test_oidcc_userinfo_post_body(rp: RelyingParty) -> None:
    tokens = await rp.tokens()
    answer = await rp.http.post("/userinfo", data={"access_token": tokens["access_token"]})
    assert answer.json()["sub"] == tokens["claims"]["sub"]
    assert (await rp.http.post("/userinfo", data={"access_token": "x"})).status_code == 401


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(rp: RelyingParty) -> None:
    # By choice: with neither nonce nor PKCE nothing binds the code to the transaction (RFC 9700 §2.1.1).
    refused = await rp.authorize(nonce="")
    assert (refused["error"], "nonce" in refused["error_description"]) == ("invalid_request", True)
    rp.pkce = True
    assert "nonce" not in (await rp.tokens(nonce=""))["claims"]


async def test_oidcc_scope_profile(rp: RelyingParty) -> None:
    assert "name" in await rp.userinfo(await rp.tokens(scope="openid profile"))
    assert "name" not in await rp.userinfo(await rp.tokens(scope="openid"))


async def test_oidcc_scope_email(rp: RelyingParty) -> None:
    await _not_offered(rp, "email")


async def test_oidcc_scope_address(rp: RelyingParty) -> None:
    await _not_offered(rp, "address")


async def _not_offered(rp: RelyingParty, scope: str) -> None:
    # Left out of what is granted, as RFC 6749 §3.3 allows, and said so.
    tokens = await rp.tokens(scope=f"openid {scope}")
    assert tokens["scope"] == "openid"
    assert scope not in await rp.userinfo(tokens)


async def test_oidcc_scope_phone(rp: RelyingParty) -> None:
    info = await rp.userinfo(await rp.tokens(scope="openid phone"))
    assert (info["phone_number"], info["phone_number_verified"]) == ("+8619900001323", True)


async def test_oidcc_scope_all(rp: RelyingParty) -> None:
    info = await rp.userinfo(await rp.tokens(scope="openid profile email address phone"))
    assert {"sub", "name", "phone_number"} <= info.keys()


async def test_oidcc_alternate_happy_flow(rp: RelyingParty) -> None:
    # Scopes the other way round, and parameters from z to a.
    query = dict(parse_qsl(urlsplit(rp.url(scope="email openid")).query))
    url = "/authorize?" + urlencode(sorted(query.items(), reverse=True), quote_via=quote)
    response = rp.response_of(await rp.follow(await rp.http.get(url)))
    assert (response["state"], response["iss"]) == ("st", rp.issuer)
    assert (await rp.redeem(response["code"])).status_code == 200
    assert "state" not in await rp.authorize(state="")


async def test_oidcc_display_page(rp: RelyingParty) -> None:
    assert "code" in await rp.authorize(display="page")


async def test_oidcc_display_popup(rp: RelyingParty) -> None:
    assert "code" in await rp.authorize(display="popup")


async def test_oidcc_prompt_login(rp: RelyingParty, clock: FrozenClock) -> None:
    first = (await rp.tokens())["claims"]
    clock.advance(timedelta(seconds=2))
    second = (await rp.tokens(prompt="login"))["claims"]
    assert rp.sign_ins == 2
    assert second["auth_time"] > first["auth_time"]
    assert (second["sub"], second["sid"]) == (first["sub"], first["sid"])


async def test_oidcc_prompt_none_not_logged_in(rp: RelyingParty) -> None:
    response = await rp.authorize(prompt="none")
    assert (response["error"], response["state"]) == ("login_required", "st")
    assert "iss" in response


async def test_oidcc_prompt_none_logged_in(rp: RelyingParty) -> None:
    first = (await rp.tokens())["claims"]
    second = (await rp.tokens(prompt="none"))["claims"]
    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])
    assert rp.sign_ins == 1


async def test_oidcc_max_age_1(rp: RelyingParty, clock: FrozenClock) -> None:
    first = (await rp.tokens())["claims"]
    clock.advance(timedelta(seconds=2))
    second = (await rp.tokens(max_age="1"))["claims"]
    assert rp.sign_ins == 2
    assert second["auth_time"] > first["auth_time"]


async def test_oidcc_max_age_10000(rp: RelyingParty, clock: FrozenClock) -> None:
    first = (await rp.tokens())["claims"]
    clock.advance(timedelta(seconds=2))
    second = (await rp.tokens(max_age="10000"))["claims"]
    assert (rp.sign_ins, second["auth_time"]) == (1, first["auth_time"])


async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(rp: RelyingParty) -> None:
    assert "code" in await rp.authorize(extra="foobar")


async def test_oidcc_id_token_hint(rp: RelyingParty, clock: FrozenClock) -> None:
    first = await rp.tokens()
    clock.advance(timedelta(minutes=10))
    second = await rp.tokens(prompt="none", id_token_hint=first["id_token"])
    assert second["claims"]["sub"] == first["claims"]["sub"]


async def test_oidcc_login_hint(rp: RelyingParty) -> None:
    answer = await rp.http.get(rp.url(login_hint="+86 199 0000 1323"))
    # Once more to the same endpoint, with the number encrypted.
    answer = await rp.http.get(answer.headers["location"])
    assert 'value="19900001323"' in (await rp.http.get(answer.headers["location"])).text
    answer = await rp.http.get(rp.url(login_hint='"><script>'))
    page = await rp.http.get(answer.headers["location"])
    assert "<script" not in page.text
    assert "code" in await rp.authorize(login_hint="somebody@example.com")


async def test_oidcc_ui_locales(rp: RelyingParty) -> None:
    assert "code" in await rp.authorize(ui_locales="se")


async def test_oidcc_claims_locales(rp: RelyingParty) -> None:
    assert "code" in await rp.authorize(claims_locales="se")


async def test_oidcc_ensure_request_with_acr_values_succeeds(rp: RelyingParty) -> None:
    claims = (await rp.tokens(acr_values="urn:elsewhere urn:zhuxue:acr:sms"))["claims"]
    assert claims["acr"] == "urn:zhuxue:acr:sms"
    assert "acr" in (await rp.tokens(acr_values="1 2"))["claims"]


async def test_oidcc_codereuse(rp: RelyingParty) -> None:
    code = (await rp.authorize())["code"]
    assert (await rp.redeem(code)).status_code == 200
    again = await rp.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_oidcc_codereuse_30seconds(rp: RelyingParty, clock: FrozenClock) -> None:
    code = (await rp.authorize())["code"]
    assert (await rp.redeem(code)).status_code == 200
    clock.advance(timedelta(seconds=30))
    assert (await rp.redeem(code)).json()["error"] == "invalid_grant"


async def test_oidcc_ensure_registered_redirect_uri(rp: RelyingParty) -> None:
    answer = await rp.http.get(rp.url(redirect_uri="http://localhost:8000/other"))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_ensure_post_request_succeeds(rp: RelyingParty) -> None:
    query = dict(parse_qsl(urlsplit(rp.url()).query))
    answer = await rp.follow(await rp.http.post("/authorize", data=query))
    assert "code" in rp.response_of(answer)
    assert "code" in rp.response_of(await rp.http.post("/authorize", data=query))


async def test_oidcc_server_client_secret_post(rp: RelyingParty, register: Register) -> None:
    await register("poster", token_endpoint_auth_method="client_secret_post", require_pkce=False)
    rp.client_id, rp.auth_method = "poster", "client_secret_post"
    assert (await rp.tokens())["claims"]["aud"] == "poster"


async def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty,
) -> None:
    response = await rp.authorize(request_uri="https://client.example/request.jwt")
    assert response["error"] == "request_uri_not_supported"


async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty,
) -> None:
    assert (await rp.authorize(request="eyJhbGciOiJub25lIn0.e30."))["error"] == "request_not_supported"


async def test_the_query_of_a_redirect_uri_comes_back_byte_for_byte(
    rp: RelyingParty, register: Register
) -> None:
    """RFC 6749 §3.1.2: the query component is retained."""
    own = f"{rp.callback}?a=b%20c&d;e&f&g=%e5%8a%a9&h=x+y&i=~"
    await register("queries", redirect_uris=[own], require_pkce=False)
    rp.client_id = "queries"
    for more, name in (({}, "code"), ({"prompt": "create"}, "error"), ({"scope": "nothing"}, "error")):
        answer = await rp.follow(await rp.http.get(rp.url(redirect_uri=own, **more)))
        if rp.response_mode == "query":
            assert answer.headers["location"].startswith(f"{own}&{name}=")
        else:
            assert f'action="{escape(own)}"' in answer.text
            assert f'name="{name}"' in answer.text


async def test_5_4_the_scope_profile_puts_the_name_into_id_tokens_of_clients_registered_for_it(
    rp: RelyingParty, register: Register
) -> None:
    await register("reader", require_pkce=False, name_in_id_token=True)
    for client_id, scope, named in (
        ("rp", "openid profile phone", False),
        ("reader", "openid phone", False),
        ("reader", "openid profile phone", True),
    ):
        rp.client_id = client_id
        claims = (await rp.tokens(scope=scope))["claims"]
        assert (("name" in claims), "phone_number" in claims) == (named, False)


async def test_oidcc_claims_essential(rp: RelyingParty) -> None:
    tokens = await rp.tokens(claims='{"userinfo":{"name":{"essential":true}}}')
    info = await rp.userinfo(tokens)
    assert "name" in info
    assert "phone_number" not in info


async def test_oidcc_ensure_request_object_with_redirect_uri(rp: RelyingParty) -> None:
    evil = "http://localhost:8000/evil"
    payload = base64.urlsafe_b64encode(json.dumps({"redirect_uri": evil}).encode()).rstrip(b"=").decode()
    request = f"eyJhbGciOiJub25lIn0.{payload}."
    answer = await rp.http.get(rp.url(redirect_uri=evil, request=request))
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    # `authorize` asserts that the answer goes to the address outside of the object.
    assert (await rp.authorize(request=request))["error"] == "request_not_supported"


async def test_oidcc_refresh_token(rp: RelyingParty, register: Register) -> None:
    first = await rp.tokens(scope="openid offline_access", prompt="consent")
    async with rp.library() as library:
        again = await library.refresh_token(f"{rp.issuer}/token", refresh_token=first["refresh_token"])
    assert again["access_token"] != first["access_token"]
    claims = await rp.verified(again["id_token"], access_token=again["access_token"])
    # OpenID Connect Core §12.2.
    for name in ("iss", "sub", "aud", "auth_time"):
        assert claims[name] == first["claims"][name]
    assert (await rp.userinfo(again))["sub"] == claims["sub"]
    # Of no use to another client.
    await register("thief")
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    refused = await rp.http.post("/token", data=form, auth=("thief", rp.secret))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp: RelyingParty) -> None:
    rp.pkce = True
    code = (await rp.authorize())["code"]
    assert (await rp.redeem(code)).status_code == 200
