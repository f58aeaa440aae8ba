"""fapi2-security-profile-final-test-plan (private_key_jwt, DPoP): the token endpoint and the resource."""

import time
from datetime import timedelta

import httpx
import pytest

from services.identity.tests.support.registering import Register
from services.identity.tests.support.shapes import JsonObject
from testkit.clients import AssertionKeys, ProofKey
from testkit.clock import FrozenClock
from testkit.relying_party import Fapi


def refused(answer: httpx.Response, *errors: str) -> bool:
    """Refused to the client in the form of RFC 6749 §5.2."""
    status = 401 if errors == ("invalid_client",) else 400
    return (
        answer.status_code == status
        and answer.json()["error"] in errors
        and answer.headers["cache-control"] == "no-store"
    )


async def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(fapi: Fapi) -> None:
    access = (await fapi.bound())["access_token"]
    for scheme in ("DPoP", "dpop", "dPoP"):
        assert (await fapi.call(access, scheme=scheme)).status_code == 200
    assert (await fapi.call(access, scheme="Bearer")).status_code == 401


async def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(fapi: Fapi) -> None:
    access, now = (await fapi.bound())["access_token"], int(time.time())
    assert (await fapi.call(access, nbf=now - 10, exp=now + 60)).status_code == 200
    assert (await fapi.call(access, exp=now - 60)).status_code == 401
    assert (await fapi.call(access, nbf=now + 60)).status_code == 401


async def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(
    fapi: Fapi,
) -> None:
    headers = fapi.proof("/token", iat=int(time.time()) - 10)
    answer = await fapi.exchange(await fapi.code(), headers=headers)
    assert answer.status_code == 200
    access = answer.json()["access_token"]
    assert (await fapi.call(access, iat=int(time.time()) - 10)).status_code == 200


async def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(
    fapi: Fapi,
) -> None:
    headers = fapi.proof("/token", iat=int(time.time()) + 10)
    answer = await fapi.exchange(await fapi.code(), headers=headers)
    assert answer.status_code == 200
    access = answer.json()["access_token"]
    assert (await fapi.call(access, iat=int(time.time()) + 10)).status_code == 200


async def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(fapi: Fapi) -> None:
    answer = await fapi.push(proof=True, dpop_jkt=ProofKey(fapi.issuer).jkt)
    assert refused(answer, "invalid_request", "invalid_dpop_proof")


async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    fapi: Fapi,
) -> None:
    headers = fapi.proof("/token", key=ProofKey(fapi.issuer))
    answer = await fapi.exchange(await fapi.code(proof=True), headers=headers)
    assert refused(answer, "invalid_grant", "invalid_dpop_proof")


async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    fapi: Fapi,
) -> None:
    code = await fapi.code(dpop_jkt=ProofKey(fapi.issuer).jkt)
    assert refused(await fapi.exchange(code), "invalid_grant", "invalid_dpop_proof")


async def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(
    fapi: Fapi,
) -> None:
    assert await fapi.bound(proof=True)


async def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(fapi: Fapi) -> None:
    assert fapi.proofs is not None
    assert await fapi.bound(dpop_jkt=fapi.proofs.jkt)


async def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(
    fapi: Fapi, register: Register
) -> None:
    # The assertion names the client; a client_id beside it may be left out, and must not be another's.
    await register("other")
    assert refused(await fapi.exchange(await fapi.code(), client_id="other"), "invalid_client")
    assert (await fapi.exchange(await fapi.code(), client_id="fapi")).status_code == 200
    assert (await fapi.exchange(await fapi.code())).status_code == 200


async def test_fapi2_security_profile_final_ensure_holder_of_key_required(fapi: Fapi) -> None:
    code = await fapi.code()
    assert refused(await fapi.exchange(code, headers={}), "invalid_dpop_proof", "invalid_request")
    assert (await fapi.exchange(code)).status_code == 200


async def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(
    fapi: Fapi, register: Register, keys: AssertionKeys
) -> None:
    await register("other", token_endpoint_auth_method="private_key_jwt", jwks=keys.jwks)
    auth = keys.auth("other", aud=fapi.issuer)
    assert refused(await fapi.exchange(await fapi.code(), auth=auth), "invalid_grant")


async def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(
    fapi: Fapi, clock: FrozenClock
) -> None:
    code = await fapi.code()
    token = (await fapi.exchange(code)).json()
    clock.advance(timedelta(seconds=1))
    assert refused(await fapi.exchange(code), "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    answer = await fapi.http.post("/token", data=form | fapi.auth(), headers=fapi.proof("/token"))
    assert refused(answer, "invalid_grant")


async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(
    fapi: Fapi, clock: FrozenClock
) -> None:
    code = await fapi.code()
    clock.advance(timedelta(seconds=60))
    late = fapi.proof("/token", iat=int(clock.now().timestamp()))
    assert refused(await fapi.exchange(code, headers=late), "invalid_grant")


async def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_rs256_fails(
    fapi: Fapi,
) -> None:
    assert refused(await fapi.push(assertion={"alg": "RS256"}), "invalid_client")
    answer = await fapi.exchange(await fapi.code(), auth=fapi.auth(alg="RS256"))
    assert refused(answer, "invalid_client")


async def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(fapi: Fapi) -> None:
    answer = await fapi.exchange(await fapi.code(), auth={"client_id": "fapi"})
    assert refused(answer, "invalid_client")


async def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    fapi: Fapi,
) -> None:
    auth = fapi.auth(exp=int(time.time()) - 300)
    assert refused(await fapi.exchange(await fapi.code(), auth=auth), "invalid_client")


async def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(fapi: Fapi) -> None:
    auth = fapi.auth(aud="https://elsewhere.example")
    assert refused(await fapi.exchange(await fapi.code(), auth=auth), "invalid_client")


async def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(fapi: Fapi) -> None:
    answer = await fapi.exchange(await fapi.code(), auth=fapi.auth(sub=None))
    assert refused(answer, "invalid_client")


NOW = int(time.time())


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "PUT"},
        {"htm": None},
        {"htu": "https://elsewhere.example/userinfo"},
        {"htu": None},
        {"iat": None},
        {"iat": NOW - 3600},
        {"iat": NOW + 3600},
        {"jti": None},
        {"ath": None},
        {"ath": "x"},
        {"header": {"typ": "JWT"}},
        {"header": {"jwk": None}},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_fapi2_security_profile_final_dpop_negative_tests(fapi: Fapi, changes: JsonObject) -> None:
    access = (await fapi.bound())["access_token"]
    answer = await fapi.call(access, **changes)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_dpop_proof")
    assert 'error="invalid_dpop_proof"' in answer.headers["www-authenticate"]
    if not {"ath"} & changes.keys():
        form = {"grant_type": "refresh_token", "refresh_token": "none"}
        headers = fapi.proof("/token", **changes)
        answer = await fapi.http.post("/token", data=form | fapi.auth(), headers=headers)
        assert refused(answer, "invalid_dpop_proof")


async def test_fapi2_security_profile_final_refresh_token(fapi: Fapi) -> None:
    token = await fapi.bound()
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    for _ in range(2):
        # Not rotated (FAPI 2.0 §5.3.2.1): the client authenticates each time.
        answer = await fapi.http.post("/token", data=form | fapi.auth(), headers=fapi.proof("/token"))
        assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
        assert (await fapi.call(answer.json()["access_token"])).status_code == 200
    assert refused(
        await fapi.http.post("/token", data=form | {"client_id": "fapi"}, headers=fapi.proof("/token")),
        "invalid_client",
    )


async def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(fapi: Fapi) -> None:
    answer = await fapi.exchange(await fapi.code(), code_verifier="")
    assert refused(answer, "invalid_grant", "invalid_request")


async def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(fapi: Fapi) -> None:
    answer = await fapi.exchange(await fapi.code(), code_verifier="w" * 64)
    assert refused(answer, "invalid_grant")
