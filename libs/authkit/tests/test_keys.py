"""Whose signatures count, and every way we know of that one is forged (RFC 8725)."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk, jws

from authkit.errors import KeysUnavailable
from authkit.jwks import KeySet
from authkit.tokens import TokenVerifier
from servicekit.retry import RetryPolicy
from testkit.tokens import OMIT, TokenFactory, b64url

from .conftest import refused, serving, verifier_of

# --- forged algorithms and keys ---


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
async def test_an_unsigned_token_is_refused(verifier: TokenVerifier, issuer: TokenFactory, alg: str) -> None:
    await refused(verifier, issuer.unsigned(alg))
    header, claims, signature = issuer.access_token().split(".")
    stripped = b64url(json.dumps(issuer.header({"alg": alg})).encode())
    await refused(verifier, f"{stripped}.{claims}.{signature}")
    await refused(verifier, f"{header}.{claims}.")


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
async def test_hs256_keyed_with_our_public_key_is_refused(
    verifier: TokenVerifier, issuer: TokenFactory, form: Any
) -> None:
    await refused(verifier, issuer.hs256_with_public_key(form))


@pytest.mark.parametrize(
    "alg", ["HS256", "HS384", "HS512", "ES384", "ES512", "RS384", "PS256", "EdDSA", "dir"]
)
async def test_no_algorithm_off_the_list_is_taken_even_with_a_valid_signature(
    verifier: TokenVerifier, issuer: TokenFactory, alg: str
) -> None:
    await refused(verifier, issuer.sign(issuer.header({"alg": alg}), issuer.claims()))


@pytest.mark.parametrize("alg", [OMIT, None, 5, True, [], ["ES256"], {"ES256": 1}])
async def test_an_algorithm_that_is_no_name_is_refused(
    verifier: TokenVerifier, issuer: TokenFactory, alg: Any
) -> None:
    await refused(verifier, issuer.sign(issuer.header({"alg": alg}), issuer.claims()))


async def test_a_symmetric_key_in_the_set_is_never_used(issuer: TokenFactory) -> None:
    secret = {"kty": "oct", "kid": "shared", "alg": "HS256", "k": b64url(b"0" * 32)}
    verifier = verifier_of(issuer, {"keys": [issuer.public_jwk(), secret]})
    token = jws.sign(issuer.claims(), b"0" * 32, headers=issuer.header({"alg": "HS256", "kid": "shared"}))
    await refused(verifier, token)


async def test_an_encryption_key_of_the_set_signs_nothing(issuer: TokenFactory) -> None:
    verifier = verifier_of(
        issuer, {"keys": [{**issuer.public_jwk(), "use": "enc"}, TokenFactory().public_jwk()]}
    )
    await refused(verifier, issuer.access_token())


async def test_rs256_named_for_an_ec_key_and_the_other_way_round_is_refused(issuer: TokenFactory) -> None:
    rsa_public = rsa_jwk(rsa.generate_private_key(65537, 2048), "rsa-1")
    verifier = verifier_of(issuer, {"keys": [issuer.public_jwk(), rsa_public]})
    await refused(verifier, issuer.sign(issuer.header({"alg": "RS256"}), issuer.claims()))
    await refused(verifier, issuer.access_token(headers={"kid": "rsa-1"}))


async def test_an_embedded_key_is_not_a_key(verifier: TokenVerifier, issuer: TokenFactory) -> None:
    await refused(verifier, issuer.embedded_jwk())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jwk", {}),
        ("jku", "https://attacker.test/jwks"),
        ("x5u", "https://attacker.test/cert"),
        ("x5c", ["MIIB"]),
        ("crit", ["exp"]),
        ("crit", []),
        ("zip", "DEF"),
        ("b64", False),
    ],
)
async def test_a_header_that_brings_keys_or_extensions_is_refused_even_when_rightly_signed(
    verifier: TokenVerifier, issuer: TokenFactory, jwks: Any, name: str, value: Any
) -> None:
    await refused(verifier, issuer.access_token(headers={name: value}))
    assert jwks.fetches == 0, "nothing is fetched for such a header"


async def test_another_key_under_our_kid_and_tampered_claims_are_refused(
    verifier: TokenVerifier, issuer: TokenFactory
) -> None:
    await refused(verifier, issuer.foreign_signature())
    await refused(verifier, issuer.tampered(roles=["unit_admin"]))


@pytest.mark.parametrize("kid", [OMIT, None, 7, "", ["x"], {"a": 1}, "../../etc/passwd", "x' OR 1=1"])
async def test_a_kid_that_names_no_key_is_refused(
    verifier: TokenVerifier, issuer: TokenFactory, kid: Any
) -> None:
    await refused(verifier, issuer.sign(issuer.header({"kid": kid}), issuer.claims()))


# --- the issuer's keys ---


async def test_rs256_keys_are_taken_too() -> None:
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = rsa_jwk(private, "rsa-1")
    issuer = TokenFactory(kid="rsa-1")
    verifier = verifier_of(issuer, {"keys": [public]})
    header = issuer.header({"alg": "RS256"})
    await verifier.verify(jws.sign(issuer.claims(), pem, headers=header, algorithm="RS256"))


async def test_unknown_kids_cause_one_fetch_in_five_seconds(
    verifier: TokenVerifier, issuer: TokenFactory, jwks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await verifier.verify(issuer.access_token())
    assert jwks.fetches == 1
    for _ in range(20):
        await refused(verifier, issuer.unknown_kid())
    await asyncio.gather(*(refused(verifier, issuer.unknown_kid()) for _ in range(20)))
    assert jwks.fetches == 1

    later = time.monotonic() + 5.1
    monkeypatch.setattr("authkit.jwks.time.monotonic", lambda: later)
    await asyncio.gather(*(refused(verifier, issuer.unknown_kid()) for _ in range(20)))
    assert jwks.fetches == 2


async def test_a_key_published_a_moment_ago_is_found_and_a_withdrawn_one_forgotten(
    verifier: TokenVerifier, issuer: TokenFactory, jwks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await verifier.verify(issuer.access_token())
    following = TokenFactory()
    jwks.document = following.jwks()
    later = time.monotonic() + 5.1
    monkeypatch.setattr("authkit.jwks.time.monotonic", lambda: later)
    await verifier.verify(following.access_token())
    await refused(verifier, issuer.access_token())


async def test_before_any_key_could_be_fetched_nothing_is_let_in_with_503(
    verifier: TokenVerifier, issuer: TokenFactory, jwks: Any
) -> None:
    jwks.error = httpx.ConnectError("refused")
    await refused_as_unavailable(verifier, issuer.access_token())
    assert KeysUnavailable.status == 503


async def test_known_keys_outlive_an_issuer_that_is_away(
    verifier: TokenVerifier, issuer: TokenFactory, jwks: Any
) -> None:
    await verifier.verify(issuer.access_token())
    jwks.error = httpx.ConnectError("refused")
    await verifier.verify(issuer.access_token())
    await refused(verifier, issuer.unknown_kid())


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        "keys",
        {"keys": None},
        {"keys": ["x", 5]},
        {"keys": {"kid": {}}},
        {"keys": [{"kty": "EC", "kid": []}]},
    ],
)
async def test_a_key_set_that_is_none_is_like_an_issuer_that_is_away(
    verifier: TokenVerifier, issuer: TokenFactory, jwks: Any, document: Any
) -> None:
    jwks.document = document
    await refused_as_unavailable(verifier, issuer.access_token())


async def test_fetching_in_the_background_goes_on_after_nonsense(
    issuer: TokenFactory, jwks: Any, keys: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authkit.jwks._RETRY", RetryPolicy(base=0.01, cap=0.01))
    good, jwks.document = jwks.document, ["nonsense"]
    async with asyncio.timeout(60), keys.kept_fresh():
        while jwks.fetches < 3:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)
        assert not keys.loaded
        jwks.document = good
        while not keys.loaded:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_another_key_published_under_the_same_kid_replaces_the_first(issuer: TokenFactory) -> None:
    document = {"keys": [issuer.public_jwk()]}
    verifier = verifier_of(issuer, document)
    await verifier.verify(issuer.access_token())
    other = TokenFactory(kid=issuer.kid)
    document["keys"] = [other.public_jwk()]
    await verifier.keys.refresh()
    await verifier.verify(other.access_token())
    await refused(verifier, issuer.access_token())


@pytest.mark.parametrize("change", [{"x": "AA"}, {"crv": "P-999"}, {"y": None}])
async def test_a_published_key_that_is_none_signs_nothing(
    issuer: TokenFactory, change: dict[str, Any]
) -> None:
    await refused(verifier_of(issuer, {"keys": [issuer.public_jwk() | change]}), issuer.access_token())


async def test_private_members_of_a_published_key_are_not_kept(issuer: TokenFactory) -> None:
    keys = KeySet(serving({"keys": [{**issuer.public_jwk(), "d": "secret"}]}))
    await keys.refresh()
    assert "d" not in (await keys.get(issuer.kid) or {})


async def refused_as_unavailable(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(KeysUnavailable):
        await verifier.verify(token)


def rsa_jwk(private: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    fields = jwk.construct(pem.decode(), "RS256").to_dict()
    plain = {name: v.decode() if isinstance(v, bytes) else v for name, v in fields.items()}
    return {**plain, "kid": kid, "use": "sig"}
