"""Which access tokens are let in: who they speak of, claims, and what is no token (RFC 9068 §4)."""

import asyncio
import base64
import json
import time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authkit.errors import TokenExpired
from authkit.tokens import MAX_TOKEN_LENGTH, TokenVerifier
from testkit.tokens import OMIT, TokenFactory, b64url

from .conftest import refused, verifier_of

REQUIRED = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti")


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
    assert principal.acting.roles == {"handler", "approver"}
    assert principal.may("notices.draft")
    assert principal.may("units.manage", "notices.issue")
    assert not principal.may("units.manage", "members.manage")
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
    assert not principal.may("notices.draft")


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


def spoilt(issuer: TokenFactory, claim: str, value: object) -> str:
    """A token with another value of one claim."""
    return issuer.sign(issuer.header(), issuer.claims(**{claim: value}))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
async def test_the_type_of_an_access_token_has_these_spellings(
    verifier: TokenVerifier, issuer: TokenFactory, typ: str
) -> None:
    await verifier.verify(issuer.access_token(headers={"typ": typ}))


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -3), ("iat", 4)])
async def test_clocks_may_differ_by_a_few_seconds_either_way(
    verifier: TokenVerifier, issuer: TokenFactory, claim: str, seconds: int
) -> None:
    await verifier.verify(spoilt(issuer, claim, int(time.time()) + seconds))


async def test_clocks_may_not_differ_by_more(verifier: TokenVerifier, issuer: TokenFactory) -> None:
    await refused(verifier, issuer.access_token(exp=int(time.time()) - 7), TokenExpired)
    await refused(verifier, issuer.access_token(iat=int(time.time()) + 60))


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
    await refused(verifier, spoilt(issuer, claim, OMIT))
    await refused(verifier, spoilt(issuer, claim, None))


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
        await refused(verifier_of(_factory, _factory.jwks()), mutated)

    asyncio.run(check())


@settings(max_examples=300, deadline=None)
@given(
    token=st.text(max_size=400)
    | st.lists(st.binary(max_size=60), min_size=3, max_size=3).map(lambda parts: ".".join(map(b64url, parts)))
)
def test_no_text_whatever_is_a_defect_of_ours(token: str) -> None:
    async def check() -> None:
        await refused(verifier_of(_factory, _factory.jwks()), token)

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
        await refused(
            verifier_of(_factory, _factory.jwks()), f"{b64url(json.dumps(header).encode())}.e30.AAAA"
        )

    asyncio.run(check())
