"""fapi2-security-profile-final-test-plan (private_key_jwt, DPoP): discovery, PAR, authorization responses."""

import json
import time
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from services.identity.tests.support.registering import Register
from testkit.clock import FrozenClock
from testkit.relying_party import Fapi


def refused(answer: httpx.Response, *errors: str) -> bool:
    """Refused to the client directly: never by a redirect."""
    status = 401 if errors == ("invalid_client",) else 400
    return (
        answer.status_code == status and answer.json()["error"] in errors and "location" not in answer.headers
    )


def shown(answer: httpx.Response) -> bool:
    """Whether the error is shown to the person, and nobody is sent anywhere."""
    return answer.status_code == 400 and "location" not in answer.headers


async def test_fapi2_security_profile_final_discovery_end_point_verification(fapi: Fapi) -> None:
    document = await fapi.discovery()
    assert document["pushed_authorization_request_endpoint"] == f"{fapi.issuer}/par"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert "private_key_jwt" in document["token_endpoint_auth_methods_supported"]
    assert {"ES256", "PS256"} <= set(document["token_endpoint_auth_signing_alg_values_supported"])
    assert "ES256" in document["dpop_signing_alg_values_supported"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert {"authorization_code", "refresh_token"} <= set(document["grant_types_supported"])


async def test_fapi2_security_profile_final_happy_flow(fapi: Fapi) -> None:
    response = await fapi.answer(state="abc", nonce="once")
    assert (response["state"], response["iss"]) == ("abc", fapi.issuer)
    tokens = (await fapi.exchange(response["code"])).json()
    claims = await fapi.verified(tokens["id_token"], nonce="once", access_token=tokens["access_token"])
    info = await fapi.call(tokens["access_token"])
    assert (info.status_code, info.json()["sub"]) == (200, claims["sub"])


async def test_fapi2_security_profile_final_user_rejects_authentication(fapi: Fapi) -> None:
    url = fapi.pushed(await fapi.push(prompt="consent", state="abc"))
    response = fapi.response_of(await fapi.follow(await fapi.http.get(url), "deny"))
    assert (response["error"], response["state"], response["iss"]) == ("access_denied", "abc", fapi.issuer)


async def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(
    fapi: Fapi,
) -> None:
    response = await fapi.answer(state="")
    assert ("code" in response, "state" in response) == (True, False)


async def test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(
    fapi: Fapi,
) -> None:
    assert "nonce" not in (await fapi.bound(nonce=""))["claims"]


async def test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(
    fapi: Fapi,
) -> None:
    assert (await fapi.bound(nonce="n" * 64))["claims"]["nonce"] == "n" * 64


async def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(fapi: Fapi) -> None:
    assert (await fapi.bound(nonce="n" * 384))["claims"]["nonce"] == "n" * 384


async def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(fapi: Fapi) -> None:
    assert (await fapi.answer(state="s" * 384))["state"] == "s" * 384


async def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(fapi: Fapi) -> None:
    assert set((await fapi.bound(scope="profile openid"))["scope"].split()) == {"openid", "profile"}


async def test_fapi2_security_profile_final_test_claims_parameter_identity_claims(fapi: Fapi) -> None:
    wanted = {"userinfo": {"name": None}, "id_token": {"phone_number": {"essential": True}}}
    tokens = await fapi.bound(claims=json.dumps(wanted))
    assert tokens["claims"]["phone_number"] == "+8619900001323"
    assert (await fapi.call(tokens["access_token"])).json()["name"]


async def test_fapi2_security_profile_final_test_essential_acr_sca_claim(fapi: Fapi) -> None:
    wanted = {"id_token": {"acr": {"essential": True, "value": "urn:zhuxue:acr:sms"}}}
    assert (await fapi.bound(claims=json.dumps(wanted)))["claims"]["acr"] == "urn:zhuxue:acr:sms"
    wanted["id_token"]["acr"]["value"] = "urn:elsewhere:sca"
    response = await fapi.answer(claims=json.dumps(wanted))
    assert response["error"] == "unmet_authentication_requirements"


# A pushed request takes the place of the request object: only what was pushed counts (RFC 9126 §4).


async def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
    fapi: Fapi,
) -> None:
    tokens = await fapi.bound(nonce="inside", outside={"nonce": "outside"})
    assert tokens["claims"]["nonce"] == "inside"


async def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
    fapi: Fapi,
) -> None:
    assert (await fapi.answer(state="inside", outside={"state": "outside"}))["state"] == "inside"


async def test_fapi2_security_profile_final_state_only_outside_request_object_not_used(fapi: Fapi) -> None:
    assert "state" not in await fapi.answer(state="", outside={"state": "outside"})


async def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(
    fapi: Fapi,
) -> None:
    assert refused(await fapi.push(redirect_uri=""), "invalid_request")


async def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(fapi: Fapi) -> None:
    # Given outside only, it is not given.
    assert refused(await fapi.push(redirect_uri=""), "invalid_request")
    outside = {"redirect_uri": "http://localhost:8000/elsewhere"}
    assert "code" in await fapi.answer(outside=outside)


@pytest.mark.parametrize("changed", ["http://localhost:8000/other", "https://evil.example/callback"])
async def test_fapi2_security_profile_final_ensure_registered_redirect_uri(fapi: Fapi, changed: str) -> None:
    assert refused(await fapi.push(redirect_uri=changed), "invalid_request", "invalid_redirect_uri")


async def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    fapi: Fapi,
) -> None:
    response = fapi.response_of(await fapi.http.get(fapi.url()))
    assert (response["error"], response["state"]) == ("invalid_request", "st")


async def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(fapi: Fapi) -> None:
    answer = await fapi.push(response_type="code id_token")
    assert refused(answer, "unsupported_response_type", "invalid_request", "unauthorized_client")


async def test_fapi2_security_profile_final_ensure_response_type_token_fails(fapi: Fapi) -> None:
    answer = await fapi.push(response_type="token")
    assert refused(answer, "unsupported_response_type", "invalid_request", "unauthorized_client")


async def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    fapi: Fapi, clock: FrozenClock
) -> None:
    url = fapi.pushed(await fapi.push())
    for _ in range(2):
        assert (await fapi.http.get(url)).headers["location"].startswith("/login")
    # The person takes longer than the reference lives when nobody has come with it.
    clock.advance(timedelta(seconds=120))
    assert "code" in fapi.response_of(await fapi.follow(await fapi.http.get(url)))


async def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(fapi: Fapi) -> None:
    url = fapi.pushed(await fapi.push())
    assert "code" in fapi.response_of(await fapi.follow(await fapi.http.get(url)))
    again = await fapi.http.get(url)
    assert shown(again)
    assert "invalid_request_uri" in again.text


async def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(
    fapi: Fapi, clock: FrozenClock
) -> None:
    answer = await fapi.push()
    clock.advance(timedelta(seconds=answer.json()["expires_in"]))
    assert shown(await fapi.http.get(fapi.pushed(answer)))


async def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(
    fapi: Fapi, register: Register
) -> None:
    await register("other")
    answer = await fapi.push()
    for client_id in ("other", "nobody", ""):
        assert shown(await fapi.http.get(fapi.pushed(answer, client_id=client_id)))
    assert "code" in fapi.response_of(await fapi.follow(await fapi.http.get(fapi.pushed(answer))))


async def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    fapi: Fapi,
) -> None:
    reference = (await fapi.push()).json()["request_uri"]
    assert refused(await fapi.push(request_uri=reference), "invalid_request")


async def test_fapi2_security_profile_final_par_attempt_invalid_http_method(fapi: Fapi) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        assert (await fapi.http.request(method, "/par")).status_code == 405


async def test_fapi2_security_profile_final_par_ensure_pkce_required(fapi: Fapi) -> None:
    assert refused(await fapi.push(code_challenge=""), "invalid_request")
    assert refused(await fapi.push(code_challenge="", code_challenge_method=""), "invalid_request")


async def test_fapi2_security_profile_final_par_plain_pkce_rejected(fapi: Fapi) -> None:
    plain = await fapi.push(code_challenge="v" * 64, code_challenge_method="plain")
    assert refused(plain, "invalid_request")
    assert refused(await fapi.push(code_challenge="v" * 64, code_challenge_method=""), "invalid_request")


async def test_fapi2_security_profile_final_par_without_duplicate_parameters(fapi: Fapi) -> None:
    # The authorization request has client_id and request_uri and nothing of what was pushed.
    url = fapi.pushed(await fapi.push())
    assert set(dict(parse_qsl(urlsplit(url).query))) == {"client_id", "request_uri"}
    assert "code" in fapi.response_of(await fapi.follow(await fapi.http.get(url)))
    twice = [*parse_qsl(urlsplit(fapi.url()).query), *fapi.auth().items(), ("state", "second")]
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await fapi.http.post("/par", content=urlencode(twice), headers=headers)
    assert refused(answer, "invalid_request")


async def test_fapi2_security_profile_final_par_test_array_as_audience_fails(fapi: Fapi) -> None:
    assert refused(await fapi.push(assertion={"aud": [fapi.issuer]}), "invalid_client")


async def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(fapi: Fapi) -> None:
    assert refused(await fapi.push(assertion={"aud": f"{fapi.issuer}/par"}), "invalid_client")


async def test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(fapi: Fapi) -> None:
    assert refused(await fapi.push(assertion={"aud": f"{fapi.issuer}/token"}), "invalid_client")


async def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(  # noqa: E501 - the module's name
    fapi: Fapi,
) -> None:
    soon = int(time.time()) + 8
    assert (await fapi.push(assertion={"nbf": soon, "iat": soon, "alg": "PS256"})).status_code == 201


async def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(  # noqa: E501 - the module's name
    fapi: Fapi,
) -> None:
    later = int(time.time()) + 65
    assert refused(await fapi.push(assertion={"nbf": later, "exp": later + 60}), "invalid_client")
