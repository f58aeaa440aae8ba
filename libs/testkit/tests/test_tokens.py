"""The good token is good, and each bad one is bad in exactly the way that its name says."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from jose import ExpiredSignatureError, JWTError, jws, jwt
from jose.exceptions import JWTClaimsError

from contracts.permissions import BUILT_IN, Role
from testkit.clock import FrozenClock
from testkit.tokens import OMIT, TokenFactory


@pytest.fixture(scope="module")
def factory() -> TokenFactory:
    return TokenFactory()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    header, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), json.loads(claims), signature


def verify(factory: TokenFactory, token: str) -> dict[str, Any]:
    return jwt.decode(
        token, factory.public_jwk(), algorithms=["ES256"], audience=factory.audience, issuer=factory.issuer
    )


def test_the_default_token_verifies_against_the_jwks(factory: TokenFactory) -> None:
    token = factory.access_token()
    header, _, _ = parts(token)
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": factory.kid}
    claims = verify(factory, token)
    required = {"iss", "aud", "sub", "client_id", "iat", "exp", "jti"}  # RFC 9068 section 2.2
    ours = {"scope", "sid", "acr", "auth_time", "unit", "unit_path", "level", "kind", "roles", "entitlements"}
    assert claims.keys() == required | ours | {"permissions"}
    assert claims["permissions"] == sorted(BUILT_IN[Role.HANDLER])
    assert claims["exp"] - claims["iat"] == 300


def test_the_jwks_holds_one_public_key(factory: TokenFactory) -> None:
    (key,) = factory.jwks()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kid"], key["use"], key["alg"]) == (factory.kid, "sig", "ES256")


def test_every_claim_and_header_can_be_changed_or_left_out(factory: TokenFactory) -> None:
    token = factory.access_token(headers={"typ": "JWT", "extra": 1}, roles=["approver"], unit=OMIT)
    header, claims, _ = parts(token)
    assert (header["typ"], header["extra"], claims["roles"]) == ("JWT", 1, ["approver"])
    assert "unit" not in claims
    header, _, _ = parts(factory.access_token(headers={"typ": OMIT, "kid": OMIT}))
    assert header == {"alg": "ES256"}


def test_a_token_without_typ_is_still_properly_signed(factory: TokenFactory) -> None:
    verify(factory, factory.access_token(headers={"typ": OMIT}))


def test_a_person_without_membership_has_no_unit_claims(factory: TokenFactory) -> None:
    claims = verify(factory, factory.without_membership())
    assert not {"unit", "unit_path", "level", "kind", "roles", "permissions"} & claims.keys()


def test_wrong_issuer_audience_and_time_are_refused_for_their_own_reason(factory: TokenFactory) -> None:
    with pytest.raises(JWTClaimsError, match="issuer"):
        verify(factory, factory.wrong_issuer())
    with pytest.raises(JWTClaimsError, match="audience"):
        verify(factory, factory.wrong_audience())
    with pytest.raises(ExpiredSignatureError):
        verify(factory, factory.expired(seconds_ago=1))


def test_tokens_follow_the_clock() -> None:
    clock = FrozenClock()
    factory = TokenFactory(clock=clock)
    first = parts(factory.access_token())[1]["iat"]
    clock.advance(timedelta(minutes=1))
    assert parts(factory.access_token())[1]["iat"] == first + 60


@pytest.mark.parametrize("alg", ["none", "None", "NONE"])
def test_an_unsigned_token_has_an_empty_signature(factory: TokenFactory, alg: str) -> None:
    token = factory.unsigned(alg)
    header, claims, signature = parts(token)
    assert (header["alg"], signature) == (alg, b"")
    assert claims["iss"] == factory.issuer
    with pytest.raises(JWTError):
        verify(factory, token)


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_a_confused_token_is_a_correct_hs256_of_the_public_key(factory: TokenFactory, form: Any) -> None:
    token = factory.hs256_with_public_key(form)
    header, _, signature = parts(token)
    jwk_bytes = json.dumps(factory.public_jwk(), separators=(",", ":")).encode()
    secret = {"pem": factory.public_pem(), "der": factory.public_der(), "jwk": jwk_bytes}[form]
    assert header["alg"] == "HS256"
    assert signature == hmac.new(secret, token.rpartition(".")[0].encode(), hashlib.sha256).digest()


def test_an_unknown_kid_is_not_in_the_jwks(factory: TokenFactory) -> None:
    token = factory.unknown_kid()
    assert parts(token)[0]["kid"] != factory.kid
    verify(factory, token)  # nothing else is wrong with it


def test_an_embedded_key_verifies_the_token_that_brings_it(factory: TokenFactory) -> None:
    token = factory.embedded_jwk()
    header, _, _ = parts(token)
    assert header["kid"] == factory.kid
    assert jws.verify(token, header["jwk"], algorithms=["ES256"])
    with pytest.raises(JWTError):
        verify(factory, token)


@pytest.mark.parametrize("make", ["foreign_signature", "tampered"])
def test_a_signature_of_something_else_is_refused(factory: TokenFactory, make: str) -> None:
    with pytest.raises(JWTError, match="Signature"):
        verify(factory, getattr(factory, make)(roles=["unit_admin"]))
