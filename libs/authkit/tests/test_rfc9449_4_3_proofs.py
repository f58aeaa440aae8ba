"""The checks of RFC 9449 §4.3, one by one: a proof that fails any of them is refused, with the reason."""

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from authkit.dpop import FUTURE_SECONDS, PAST_SECONDS, BadProof, Proof, verify_proof
from testkit.clients import ProofKey

ORIGIN = "https://office.test"
URL = f"{ORIGIN}/api/v1/notices"
PATH = "/api/v1/notices"
NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def key() -> ProofKey:
    return ProofKey(ORIGIN)


def verified(proof: str, *, access_token: str | None = None) -> Proof:
    return verify_proof(proof, method="GET", url=URL, now=NOW, access_token=access_token)


def proof_of(key: ProofKey, **changes: Any) -> str:
    fields: dict[str, Any] = {"method": "GET", "iat": int(NOW), "jti": "one"} | changes
    return key.proof(fields.pop("path", PATH), **fields)


def signed(payload: bytes | str, key: Any, *, alg: str = "ES256", jwk: object = None) -> str:
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False) if jwk is None else jwk}
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact(head, payload, key, registry=registry)


def test_a_good_proof_names_its_key_and_how_long_to_remember_it(key: ProofKey) -> None:
    found = verified(proof_of(key, nonce="n"))
    assert found == Proof(key.jkt, "one", "n", NOW + PAST_SECONDS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"header": {"typ": "jwt"}}, "typ is not dpop"),
        ({"method": "POST"}, "htm is not the method"),
        ({"path": "/api/v1/units"}, "htu is not the address"),
        ({"htu": "https://office.test:99999/api/v1/notices"}, "htu is not the address"),
        ({"htu": "https://user@office.test/api/v1/notices"}, "htu is not the address"),
        ({"htu": 7}, "htu is not the address"),
        ({"iat": int(NOW) - PAST_SECONDS - 1}, "iat is not recent"),
        ({"iat": int(NOW) + FUTURE_SECONDS + 1}, "iat is not recent"),
        ({"iat": None}, "a time is not a number"),
        ({"exp": int(NOW)}, "expired"),
        ({"nbf": int(NOW) + FUTURE_SECONDS + 1}, "not valid yet"),
        ({"jti": None}, "jti is missing"),
        ({"jti": ""}, "jti is missing"),
        ({"jti": "j" * 257}, "jti is missing"),
        ({"jti": "\u0000"}, "jti is missing"),
        ({"nonce": 7}, "nonce is not a string"),
        ({"header": {"jku": "https://evil.test"}}, "header not allowed"),
    ],
)
def test_every_claim_is_checked(key: ProofKey, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadProof, match=reason):
        verified(proof_of(key, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(NOW) + 60, "nbf": int(NOW)},
        {"htu": f"HTTPS://OFFICE.test:443{PATH}?page=2#top"},
        {"iat": int(NOW) - PAST_SECONDS},
        {"header": {"kid": "mine"}},
    ],
)
def test_what_the_rfc_allows_is_taken(key: ProofKey, changes: dict[str, Any]) -> None:
    assert verified(proof_of(key, **changes)).jkt == key.jkt


def test_a_proof_for_an_access_token_is_for_that_one(key: ProofKey) -> None:
    proof = proof_of(key, token="a")
    assert verified(proof, access_token="a").jkt == key.jkt
    for other in (proof, proof_of(key)):
        with pytest.raises(BadProof, match="ath is not of this access token"):
            verified(other, access_token="b")


@pytest.mark.parametrize("proof", ["", "a.b", "a.b.c.d", "a.b.c", "é.b.c", "a" * 9000])
def test_what_is_no_signed_token_is_refused(proof: str) -> None:
    with pytest.raises(BadProof, match="not a"):
        verified(proof)


@pytest.mark.parametrize("payload", ["[]", "7", "not json"])
def test_the_claims_are_an_object(key: ProofKey, payload: str) -> None:
    with pytest.raises(BadProof, match=r"claims are not an object|not a valid signature"):
        verified(signed(payload, key.key))


def test_only_the_key_of_the_header_signs(key: ProofKey) -> None:
    other = ECKey.generate_key("P-256").as_dict(private=False)
    with pytest.raises(BadProof, match="not a valid signature"):
        verified(signed(json.dumps({"htm": "GET"}), key.key, jwk=other))


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (OctKey.generate_key(256), "HS256"),
        (ECKey.generate_key("P-384"), "ES384"),
        (RSAKey.generate_key(2048), "RS256"),
    ],
)
def test_other_algorithms_are_refused(key: Any, alg: str) -> None:
    with pytest.raises(BadProof, match="algorithm not allowed"):
        verified(signed("{}", key, alg=alg, jwk=key.as_dict(private=False) if alg != "HS256" else {"k": "x"}))


@pytest.mark.parametrize(
    ("alg", "jwk"),
    [
        ("ES256", RSAKey.generate_key(2048).as_dict(private=False)),
        ("ES256", ECKey.generate_key("P-384").as_dict(private=False)),
        ("PS256", ECKey.generate_key("P-256").as_dict(private=False)),
    ],
)
def test_the_key_fits_the_algorithm(alg: str, jwk: dict[str, Any]) -> None:
    own = ECKey.generate_key("P-256") if alg == "ES256" else RSAKey.generate_key(2048)
    with pytest.raises(BadProof, match="key does not fit the algorithm"):
        verified(signed("{}", own, alg=alg, jwk=jwk))


def test_a_private_key_in_the_header_is_refused(key: ProofKey) -> None:
    with pytest.raises(BadProof, match="header not allowed"):
        verified(signed("{}", key.key, jwk=key.key.as_dict(private=True)))
