"""Which tokens are let in, and every way we know of that one is forged (RFC 8725, RFC 9068 §4)."""

import asyncio
import base64
import json
import time
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jose import jwk, jws

from authkit.errors import InvalidToken, KeysUnavailable, TokenExpired
from authkit.jwks import KeySet
from authkit.tokens import MAX_TOKEN_LENGTH, TokenVerifier
from testkit.tokens import OMIT, TokenFactory, b64url

REQUIRED = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti")


async def refused(verifier: TokenVerifier, token: str, error: type[Exception] = InvalidToken) -> None:
    with pytest.raises(InvalidToken if error is InvalidToken else error) as caught:
        await verifier.verify(token)
    assert type(caught.value) is error


# --- good ones ---


async def test_a_good_token_says_who_calls(verifier: TokenVerifier, issuer: TokenFactory) -> None:
    claims = issuer.claims(roles=["handler", "approver"], entitlements=["cockpit"])
    principal = await verifier.verify(issuer.sign(issuer.header(), claims))
    assert principal.sub == claims["sub"]
    assert principal.scope == {"openid", "profile"}
    assert (principal.sid, principal.jti, principal.acr) == (claims["sid"], claims["jti"], claims["acr"])
    assert int(principal.issued_at.timestamp()) == claims["iat"]
    assert int(principal.expires_at.timestamp()) == claims["exp"]
    assert principal.acting is not None
    assert principal.acting.unit == UUID(claims["unit"])
    assert principal.acting.path == claims["unit_path"]
    assert principal.has_role("approver")
    assert not principal.has_role("reviewer")
    assert principal.entitlements == {"cockpit"}
    assert not principal.is_client
    assert principal.reaches(claims["unit_path"])
    assert principal.reaches(claims["unit_path"] + ".3137010201")
    assert not principal.reaches(claims["unit_path"] + "0")
    assert not principal.reaches("100000.370000")


async def test_a_person_without_membership_acts_for_no_unit(
    verifier: TokenVerifier, issuer: TokenFactory
) -> None:
    principal = await verifier.verify(issuer.without_membership())
    assert principal.acting is None
    assert not principal.reaches("100000")
    assert not principal.has_role("handler")


async def test_a_token_for_several_audiences_is_good_for_each(
    verifier: TokenVerifier, issuer: TokenFactory
) -> None:
    await verifier.verify(issuer.access_token(aud=["urn:zhuxue:cockpit", issuer.audience]))
    await refused(verifier, issuer.access_token(aud=["urn:zhuxue:cockpit"]))


async def test_rfc8693_4_1_the_outermost_actor_is_who_acts(
    verifier: TokenVerifier, issuer: TokenFactory
) -> None:
    act = {"sub": "cockpit", "act": {"sub": "office"}}
    assert (await verifier.verify(issuer.access_token(act=act))).actor == "cockpit"
    assert (await verifier.verify(issuer.access_token())).actor is None


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
async def test_the_type_of_an_access_token_has_these_spellings(
    verifier: TokenVerifier, issuer: TokenFactory, typ: str
) -> None:
    await verifier.verify(issuer.access_token(headers={"typ": typ}))


async def test_rs256_keys_are_taken_too() -> None:
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = _rsa_jwk(private, "rsa-1")
    issuer = TokenFactory(kid="rsa-1")
    verifier = _verifier(issuer, {"keys": [public]})
    header = issuer.header({"alg": "RS256"})
    await verifier.verify(jws.sign(issuer.claims(), pem, headers=header, algorithm="RS256"))


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -3), ("iat", 4)])
async def test_clocks_may_differ_by_a_few_seconds_either_way(
    verifier: TokenVerifier, issuer: TokenFactory, claim: str, seconds: int
) -> None:
    await verifier.verify(issuer.access_token(**{claim: int(time.time()) + seconds}))


async def test_clocks_may_not_differ_by_more(verifier: TokenVerifier, issuer: TokenFactory) -> None:
    await refused(verifier, issuer.access_token(exp=int(time.time()) - 7), TokenExpired)
    await refused(verifier, issuer.access_token(iat=int(time.time()) + 60))


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
    verifier = _verifier(issuer, {"keys": [issuer.public_jwk(), secret]})
    token = jws.sign(issuer.claims(), b"0" * 32, headers=issuer.header({"alg": "HS256", "kid": "shared"}))
    await refused(verifier, token)


async def test_an_encryption_key_of_the_set_signs_nothing(issuer: TokenFactory) -> None:
    verifier = _verifier(
        issuer, {"keys": [{**issuer.public_jwk(), "use": "enc"}, TokenFactory().public_jwk()]}
    )
    await refused(verifier, issuer.access_token())


async def test_rs256_named_for_an_ec_key_and_the_other_way_round_is_refused(issuer: TokenFactory) -> None:
    rsa_public = _rsa_jwk(rsa.generate_private_key(65537, 2048), "rsa-1")
    verifier = _verifier(issuer, {"keys": [issuer.public_jwk(), rsa_public]})
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
    monkeypatch.setattr("authkit.jwks._RETRY_SECONDS", 0.01)
    good, jwks.document = jwks.document, ["nonsense"]
    async with keys.kept_fresh():
        await asyncio.sleep(0.05)
        assert not keys.loaded
        jwks.document = good
        await asyncio.sleep(0.1)
        assert keys.loaded


async def test_another_key_published_under_the_same_kid_replaces_the_first(issuer: TokenFactory) -> None:
    document = {"keys": [issuer.public_jwk()]}
    verifier = _verifier(issuer, document)
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
    await refused(_verifier(issuer, {"keys": [issuer.public_jwk() | change]}), issuer.access_token())


async def test_private_members_of_a_published_key_are_not_kept(issuer: TokenFactory) -> None:
    keys = KeySet(_serving({"keys": [{**issuer.public_jwk(), "d": "secret"}]}))
    await keys.refresh()
    assert "d" not in (await keys.get(issuer.kid) or {})


# --- claims ---


@pytest.mark.parametrize("typ", ["JWT", "jwt", "logout+jwt", "dpop+jwt", "", OMIT, None, 1, ["at+jwt"]])
async def test_an_id_token_or_any_other_type_is_not_an_access_token(
    verifier: TokenVerifier, issuer: TokenFactory, typ: Any
) -> None:
    await refused(verifier, issuer.sign(issuer.header({"typ": typ}), issuer.claims()))


async def test_another_issuer_or_audience_is_refused(verifier: TokenVerifier, issuer: TokenFactory) -> None:
    await refused(verifier, issuer.wrong_issuer())
    await refused(verifier, issuer.access_token(iss=issuer.issuer + "/"))
    await refused(verifier, issuer.access_token(iss=[issuer.issuer, "https://elsewhere.test"]))
    await refused(verifier, issuer.wrong_audience())
    await refused(verifier, issuer.access_token(aud=issuer.audience + "x"))
    await refused(verifier, issuer.access_token(aud=[]))
    await refused(verifier, issuer.access_token(aud=""))


async def test_an_expired_token_is_told_apart(verifier: TokenVerifier, issuer: TokenFactory) -> None:
    await refused(verifier, issuer.expired(), TokenExpired)
    await refused(verifier, issuer.expired(10), TokenExpired)
    assert TokenExpired.status == 401


async def test_a_token_from_the_future_is_refused(verifier: TokenVerifier, issuer: TokenFactory) -> None:
    now = int(time.time())
    await refused(verifier, issuer.access_token(iat=now + 60, exp=now + 360))
    await refused(verifier, issuer.access_token(nbf=now + 60))
    await verifier.verify(issuer.access_token(iat=now + 2, exp=now + 300))


@pytest.mark.parametrize("claim", REQUIRED)
async def test_every_required_claim_is_required(
    verifier: TokenVerifier, issuer: TokenFactory, claim: str
) -> None:
    await refused(verifier, issuer.access_token(**{claim: OMIT}))
    await refused(verifier, issuer.access_token(**{claim: None}))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "soon"},
        {"exp": 1e300},
        {"exp": 10**18},
        {"iat": -(10**18)},
        {"auth_time": "yesterday"},
        {"auth_time": 10**18},
        {"unit": "not-a-uuid"},
        {"unit": 5},
        {"unit_path": OMIT},
        {"roles": 5},
        {"sub": 5},
        {"sub": ""},
        {"act": "office"},
        {"act": {}},
        {"act": {"sub": 5}},
    ],
)
async def test_claims_of_the_wrong_shape_are_a_refusal_and_never_a_defect(
    verifier: TokenVerifier, issuer: TokenFactory, claims: dict[str, Any]
) -> None:
    await refused(verifier, issuer.access_token(**claims))


# --- not tokens at all ---


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d.e",
        "e30.e30.e30",
        "bnVsbA.e30.",
        "WzFd.e30.AAAA",
        "中文.中文.中文",
        "\udce4.\udce4.\udce4",
        b64url(b"{" * 2000) + ".e30.AAAA",
        b64url(b'{"alg":' + b"[" * 3000 + b"]" * 3000 + b"}") + ".e30.AAAA",
        b64url(b'{"alg":"ES256","typ":"at+jwt","kid":"' + b"\xff\xfe" + b'"}') + ".e30.AAAA",
    ],
)
async def test_what_is_no_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    await refused(verifier, token)


async def test_an_over_long_token_is_refused_unread(
    verifier: TokenVerifier, issuer: TokenFactory, jwks: Any
) -> None:
    token = issuer.access_token(roles=["r" * MAX_TOKEN_LENGTH])
    assert len(token) > MAX_TOKEN_LENGTH
    await refused(verifier, token)
    assert jwks.fetches == 0


async def test_only_one_spelling_of_a_token_is_valid(verifier: TokenVerifier, issuer: TokenFactory) -> None:
    token = issuer.access_token()
    await verifier.verify(token)
    header, claims, signature = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 64 bytes fill 86 characters but for four bits: fifteen other last characters decode to the same.
    twin = signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]
    assert base64.urlsafe_b64decode(twin + "==") == base64.urlsafe_b64decode(signature + "==")
    for other in (
        twin,
        signature + "==",
        signature + "!!!!",
        "!!!!" + signature,
        signature[:5] + "\n" + signature[5:],
    ):
        await refused(verifier, f"{header}.{claims}.{other}")
    await refused(verifier, token + " ")
    await refused(verifier, token + ".")


_factory = TokenFactory()
_token = _factory.access_token()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, len(_token) - 1), byte=st.integers(1, 255))
def test_any_mutated_byte_of_a_token_is_refused(position: int, byte: int) -> None:
    mutated = _token[:position] + chr(ord(_token[position]) ^ byte) + _token[position + 1 :]

    async def check() -> None:
        await refused(_verifier(_factory, _factory.jwks()), mutated)

    asyncio.run(check())


@settings(max_examples=300, deadline=None)
@given(
    token=st.text(max_size=400)
    | st.lists(st.binary(max_size=60), min_size=3, max_size=3).map(lambda parts: ".".join(map(b64url, parts)))
)
def test_no_text_whatever_is_a_defect_of_ours(token: str) -> None:
    async def check() -> None:
        await refused(_verifier(_factory, _factory.jwks()), token)

    asyncio.run(check())


@settings(max_examples=200, deadline=None)
@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "cty", "x"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=8)
        | st.lists(st.text(max_size=3), max_size=2)
        | st.just("ES256")
        | st.just("at+jwt"),
    )
)
def test_no_header_whatever_is_a_defect_of_ours(header: dict[str, Any]) -> None:
    async def check() -> None:
        await refused(_verifier(_factory, _factory.jwks()), f"{b64url(json.dumps(header).encode())}.e30.AAAA")

    asyncio.run(check())


async def refused_as_unavailable(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(KeysUnavailable):
        await verifier.verify(token)


def _serving(document: Any) -> Any:
    async def fetch() -> Any:
        return document

    return fetch


def _verifier(issuer: TokenFactory, document: Any) -> TokenVerifier:
    return TokenVerifier(issuer=issuer.issuer, audience=issuer.audience, keys=KeySet(_serving(document)))


def _rsa_jwk(private: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    fields = jwk.construct(pem.decode(), "RS256").to_dict()
    plain = {name: v.decode() if isinstance(v, bytes) else v for name, v in fields.items()}
    return {**plain, "kid": kid, "use": "sig"}
