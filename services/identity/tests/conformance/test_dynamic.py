"""oidcc-dynamic-certification-test-plan: one test per module, named after it."""

from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import RSAKey

from identity.keys.ring import LEAD
from identity.oauth.authentication.client_keys import ClientKeys
from services.identity.tests.support.registering import NewParty, Party
from testkit.clients import AssertionKeys
from testkit.clock import FrozenClock

JWKS_URI = "https://rp.example.cn/jwks"
CALLBACK = "https://rp.example.cn/cb"


@pytest.fixture
async def party(new_party: NewParty) -> Party:
    return await new_party()


def refused(answer: httpx.Response, error: str) -> bool:
    return answer.status_code == 400 and answer.json()["error"] == error


def shown(answer: httpx.Response) -> bool:
    """Whether the error is shown to the person, and nobody is sent anywhere."""
    return answer.status_code == 400 and "location" not in answer.headers


async def test_oidcc_server(party: Party) -> None:
    answer = await party.register()
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert (party.client["client_secret_expires_at"], party.client["redirect_uris"]) == (0, [CALLBACK])
    assert party.client["client_id_issued_at"] > 0
    assert (await party.tokens())["claims"]["aud"] == party.client["client_id"]


async def test_oidcc_idtoken_rs256(party: Party) -> None:
    await party.register(id_token_signed_response_alg="RS256")
    token = (await party.tokens())["id_token"]
    decoded = jwt.decode(token, await party.keys(), ["RS256"])
    assert isinstance((await party.keys()).get_by_kid(decoded.header["kid"]), RSAKey)


async def test_oidcc_idtoken_unsigned(party: Party) -> None:
    assert "none" not in (await party.discovery())["id_token_signing_alg_values_supported"]
    assert refused(await party.register(id_token_signed_response_alg="none"), "invalid_client_metadata")


async def test_oidcc_userinfo_rs256(party: Party) -> None:
    await party.register(userinfo_signed_response_alg="RS256")
    tokens = await party.tokens()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = await party.http.get("/userinfo", headers=headers)
    assert answer.headers["content-type"] == "application/jwt"
    claims = jwt.decode(answer.text, await party.keys(), ["RS256"]).claims
    assert (claims["iss"], claims["aud"]) == (party.issuer, party.client_id)
    assert claims["sub"] == tokens["claims"]["sub"]


async def test_oidcc_ensure_redirect_uri_in_authorization_request(party: Party) -> None:
    await party.register()
    assert shown(await party.http.get(party.url(redirect_uri="")))


async def test_oidcc_redirect_uri_query_ok(party: Party) -> None:
    party.callback = f"{CALLBACK}?foo=bar"
    await party.register()
    response = await party.authorize()
    assert (response["foo"], "code" in response) == ("bar", True)


async def test_oidcc_redirect_uri_query_mismatch(party: Party) -> None:
    party.callback = f"{CALLBACK}?foo=bar"
    await party.register()
    assert shown(await party.http.get(party.url(redirect_uri=f"{CALLBACK}?foo=other")))


async def test_oidcc_redirect_uri_query_added(party: Party) -> None:
    await party.register()
    assert shown(await party.http.get(party.url(redirect_uri=f"{CALLBACK}?foo=bar")))


async def test_oidcc_redirect_uri_regfrag(party: Party) -> None:
    assert refused(await party.register(redirect_uris=[f"{CALLBACK}#foo"]), "invalid_redirect_uri")


async def test_oidcc_discovery_endpoint_verification(party: Party) -> None:
    document = await party.discovery()
    assert document["registration_endpoint"] == f"{party.issuer}/register"
    # Asked for at the address that was announced, and nowhere to be had without a token.
    answer = await party.http.post(document["registration_endpoint"], json={})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def consent_page(party: Party, **metadata: str) -> httpx.Response:
    assert (await party.register(**metadata)).status_code == 201
    assert (await party.manage("GET")).json().items() >= metadata.items()
    answer = await party.browser.sign_in(party.phone, party.url(prompt="consent"))
    page: httpx.Response = await party.http.get(answer.headers["location"])
    assert "/authorize/decision" in page.text
    return page


async def test_oidcc_registration_logo_uri(party: Party) -> None:
    page = await consent_page(party, logo_uri="https://rp.example.cn/logo.png")
    # Kept, and not loaded: the client would learn of people who have not consented, if they ever do.
    assert "logo.png" not in page.text
    assert "img-src 'self';" in page.headers["content-security-policy"]


async def test_oidcc_registration_policy_uri(party: Party) -> None:
    page = await consent_page(party, policy_uri="https://rp.example.cn/privacy")
    assert 'href="https://rp.example.cn/privacy"' in page.text


async def test_oidcc_registration_tos_uri(party: Party) -> None:
    page = await consent_page(party, tos_uri="https://rp.example.cn/terms")
    assert 'href="https://rp.example.cn/terms"' in page.text


@pytest.mark.parametrize("name", ["logo_uri", "policy_uri", "tos_uri", "client_uri"])
@pytest.mark.parametrize(
    "uri", ["http://rp.example.cn/it", "javascript:alert(1)", "https://u@rp.example.cn/"]
)
async def test_an_address_to_be_shown_is_a_plain_https_uri(party: Party, name: str, uri: str) -> None:
    assert refused(await party.register(**{name: uri}), "invalid_client_metadata")


def publish(party: Party, keys: AssertionKeys) -> ClientKeys:
    """Have the client's address answer with its keys."""
    fetcher = ClientKeys(httpx.MockTransport(lambda _: httpx.Response(200, json=keys.jwks)))
    party.browser.app.state.issuer.client_keys = fetcher
    return fetcher


async def redeem(party: Party, keys: AssertionKeys, **changes: Any) -> httpx.Response:
    code = (await party.authorize(scope="openid offline_access"))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    auth = keys.auth(party.client_id, **({"aud": party.issuer} | changes))
    answer: httpx.Response = await party.http.post("/token", data=form | auth | {"code_verifier": "v" * 64})
    return answer


async def by_key(party: Party, **more: Any) -> None:
    registered = await party.register(
        token_endpoint_auth_method="private_key_jwt", jwks_uri=JWKS_URI, scope="openid offline_access", **more
    )
    assert registered.status_code == 201, registered.text
    assert "client_secret" not in party.client


async def test_oidcc_registration_jwks_uri(party: Party, keys: AssertionKeys) -> None:
    publish(party, keys)
    await by_key(party)
    assert (await redeem(party, keys)).status_code == 200
    both = await party.register(jwks_uri=JWKS_URI, jwks=keys.jwks)
    assert refused(both, "invalid_client_metadata")


async def test_oidcc_registration_sector_uri(party: Party) -> None:
    # Pairwise subjects are neither supported nor announced: refused, not half obeyed.
    assert (await party.discovery())["subject_types_supported"] == ["public"]
    answer = await party.register(sector_identifier_uri="https://rp.example.cn/sector.json")
    assert refused(answer, "invalid_client_metadata")


async def test_oidcc_registration_sector_bad(party: Party) -> None:
    answer = await party.register(
        subject_type="pairwise", sector_identifier_uri="https://elsewhere.example.cn/sector.json"
    )
    assert refused(answer, "invalid_client_metadata")


async def test_oidcc_server_rotate_keys(party: Party, clock: FrozenClock) -> None:
    await party.register()
    before = await party.keys()
    old = await party.tokens()
    ring = party.browser.app.state.key_ring
    async with party.browser.app.state.database.transaction() as session:
        await session.run_sync(lambda sync: ring.rotate(sync, clock.now(), "ES256"))
    clock.advance(LEAD)
    new = await party.tokens()
    after = await party.keys()
    assert len(after.keys) == len(before.keys) + 1
    jwt.decode(old["id_token"], after, ["ES256"])
    with pytest.raises(InvalidKeyIdError):
        jwt.decode(new["id_token"], before, ["ES256"])


async def test_oidcc_refresh_token_rp_key_rotation(party: Party, keys: AssertionKeys) -> None:
    published = publish(party, keys)
    await by_key(party, grant_types=["authorization_code", "refresh_token"])
    value = (await redeem(party, keys)).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": value}
    new = AssertionKeys(party.issuer)
    assert refused_client(await party.http.post("/token", data=form | new.auth(party.client_id)))
    published.transport = httpx.MockTransport(lambda _: httpx.Response(200, json=new.jwks))
    for kept in published._kept.values():
        kept.at -= 3600
    assert (await party.http.post("/token", data=form | new.auth(party.client_id))).status_code == 200
    gone = keys.auth(party.client_id, aud=party.issuer)
    assert refused_client(await party.http.post("/token", data=form | gone))


def refused_client(answer: httpx.Response) -> bool:
    return answer.status_code == 401 and answer.json()["error"] == "invalid_client"


async def test_oidcc_request_uri_unsigned(party: Party) -> None:
    await party.register()
    assert (await party.discovery())["request_uri_parameter_supported"] is False
    response = await party.authorize(request_uri="https://rp.example.cn/unsigned.jwt")
    assert response["error"] == "request_uri_not_supported"


async def test_oidcc_request_uri_signed_rs256(party: Party) -> None:
    answer = await party.register(
        request_object_signing_alg="RS256", request_uris=["https://rp.example.cn/signed.jwt"]
    )
    # RFC 7591 §2: ignored, and the answer says so.
    assert "request_object_signing_alg" not in answer.json()
    response = await party.authorize(request_uri="https://rp.example.cn/signed.jwt")
    assert response["error"] == "request_uri_not_supported"


async def test_oidcc_ensure_request_object_with_redirect_uri(party: Party, keys: AssertionKeys) -> None:
    await party.register()
    assert (await party.discovery())["request_parameter_supported"] is False
    inner = {"iss": party.client_id, "aud": party.issuer, "redirect_uri": "https://evil.example/"}
    signed = jwt.encode({"alg": "RS256"}, inner, keys.rsa, ["RS256"])
    # What a request object says counts nowhere, its redirect_uri least of all.
    assert (await party.authorize(request=signed))["error"] == "request_not_supported"
    assert shown(await party.http.get(party.url(request=signed, redirect_uri="")))


async def test_oidcc_refresh_token(party: Party) -> None:
    await party.register(grant_types=["authorization_code", "refresh_token"], scope="openid offline_access")
    first = await party.tokens(scope="openid offline_access")
    assert "在您离开后继续使用以上授权" in party.asked[-1]
    async with party.library() as library:
        again = await library.refresh_token(f"{party.issuer}/token", refresh_token=first["refresh_token"])
    claims = await party.verified(again["id_token"], access_token=again["access_token"])
    assert claims["sub"] == first["claims"]["sub"]
    assert (await party.userinfo(again))["sub"] == claims["sub"]


async def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(party: Party, keys: AssertionKeys) -> None:
    publish(party, keys)
    await by_key(party)
    assert (await redeem(party, keys, aud=party.issuer)).status_code == 200
    assert (await redeem(party, keys, aud=f"{party.issuer}/token")).status_code == 200
    assert refused_client(await redeem(party, keys, aud="https://elsewhere.example"))
