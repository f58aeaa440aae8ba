"""Offline check of access tokens: RFC 9068 §4, RFC 8725.

python-jose does the cryptography, wrapped so that it cannot be misled: keys are JWK objects of the
issuer's set chosen by `kid`, never material from the token; `algorithms` is always explicit and only
ever asymmetric; whatever else the header offers (`jwk`, `jku`, `x5u`, `crit`) makes the token invalid.
"""

import base64
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from jose import ExpiredSignatureError, JOSEError, JWTError, jwk, jwt
from jose.backends.base import Key

from authkit.dpop import BadProof, SeenProofs, verify_proof
from authkit.errors import InvalidProof, InvalidToken, KeysUnavailable, TokenExpired, TokenRevoked
from authkit.jwks import KeySet
from authkit.principal import Acting, Principal
from authkit.revocation import RevocationList

ALGORITHMS = frozenset({"ES256", "RS256"})
_KTY = {"ES256": "EC", "RS256": "RSA"}
_FORBIDDEN_HEADERS = frozenset({"jwk", "jku", "x5c", "x5u", "crit", "zip", "b64"})
MAX_TOKEN_LENGTH = 8192
LEEWAY_SECONDS = 5
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)")
# What claims of the wrong shape raise; `fromtimestamp` alone has three ways to refuse a number.
_UNFIT = (JOSEError, KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError)


class TokenVerifier:
    """Checks the access tokens of one issuer for one audience."""

    def __init__(
        self, *, issuer: str, audience: str, keys: KeySet, revocations: RevocationList | None = None
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self.keys = keys
        self.revocations = revocations
        self.proofs = SeenProofs()
        # By `kid`, with the JWK each was made from: making one takes a third as long as a verification. Only
        # the issuer's own keys come here, a handful in a process's life.
        self._made: dict[str, tuple[dict[str, Any], Key]] = {}

    async def verify_bound(self, token: str, proof: str, *, method: str, url: str) -> Principal:
        """Who holds `token`, shown by a DPoP proof for this very request (RFC 9449 §7.1).

        Raises what `verify` raises, and `InvalidProof` (401).
        """
        principal = await self.verify(token)
        now = datetime.now(UTC).timestamp()
        try:
            shown = verify_proof(proof, method=method, url=url, now=now, access_token=token)
        except BadProof as error:
            raise InvalidProof from error
        if principal.jkt is None or shown.jkt != principal.jkt or not self.proofs.first(shown, now):
            raise InvalidProof
        return principal

    async def verify(self, token: str) -> Principal:
        """Who bears `token`; with `jkt`, only if shown to hold that key.

        Raises `InvalidToken`, `TokenExpired`, `TokenRevoked` (401), or `KeysUnavailable` (503) when no key
        of the issuer could be fetched yet.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidToken
        algorithm, kid = self._header(token)
        key = await self.keys.get(kid)
        if key is None:
            if not self.keys.loaded:
                raise KeysUnavailable
            raise InvalidToken
        if key["kty"] != _KTY[algorithm]:
            raise InvalidToken
        try:
            claims = jwt.decode(
                token,
                self._key(kid, key, algorithm),
                algorithms=[algorithm],
                audience=self.audience,
                issuer=self.issuer,
                options={
                    "require_aud": True,
                    "require_iss": True,
                    "require_exp": True,
                    "require_iat": True,
                    "require_sub": True,
                    "require_jti": True,
                    "verify_at_hash": False,
                    "leeway": LEEWAY_SECONDS,
                },
            )
            principal = _principal(claims)
        except ExpiredSignatureError as error:
            raise TokenExpired from error
        except _UNFIT as error:
            raise InvalidToken from error
        if principal.issued_at.timestamp() > datetime.now(UTC).timestamp() + LEEWAY_SECONDS:
            raise InvalidToken
        if self.revocations is not None and self.revocations.refuses(principal):
            raise TokenRevoked
        return principal

    def _key(self, kid: str, key: dict[str, Any], algorithm: str) -> Key:
        """The library's key for a JWK of the set; the set never changes a JWK, it replaces it."""
        made = self._made.get(kid)
        if made is None or made[0] is not key:
            made = self._made[kid] = (key, jwk.construct(key, algorithm))
        return made[1]

    def _header(self, token: str) -> tuple[str, str]:
        if not _is_canonical(token):
            raise InvalidToken
        try:
            header = jwt.get_unverified_header(token)
        except JWTError as error:
            raise InvalidToken from error
        algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
        if not isinstance(algorithm, str) or not isinstance(kid, str) or not isinstance(typ, str):
            raise InvalidToken
        if algorithm not in ALGORITHMS:
            raise InvalidToken
        # RFC 9068 §4: `at+jwt`, the media type prefix allowed; an ID token is not an access token.
        if typ.lower() not in {"at+jwt", "application/at+jwt"} or _FORBIDDEN_HEADERS & header.keys():
            raise InvalidToken
        return algorithm, kid


def _is_canonical(token: str) -> bool:
    """Whether this is the one spelling of a compact JWS (RFC 7515 §2: base64url without padding).

    The library decodes leniently: it skips foreign characters and ignores the spare bits of the last one,
    so that without this check one signature would have many valid spellings.
    """
    match = _COMPACT.fullmatch(token)
    if match is None:
        return False
    signature = match[1]
    try:
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    except ValueError:
        return False
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == signature


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a non-empty string")
    return value


def _principal(claims: dict[str, Any]) -> Principal:
    unit = claims.get("unit")
    acting = None
    if unit is not None:
        acting = Acting(
            unit=UUID(unit),
            path=str(claims["unit_path"]),
            level=str(claims["level"]),
            kind=str(claims["kind"]),
            roles=frozenset(claims.get("roles", [])),
        )
    auth_time = claims.get("auth_time")
    return Principal(
        sub=_text(claims, "sub"),
        client_id=_text(claims, "client_id"),
        scope=frozenset(str(claims.get("scope", "")).split()),
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        jti=_text(claims, "jti"),
        sid=claims.get("sid"),
        grant_id=claims.get("grant_id"),
        acr=claims.get("acr"),
        auth_time=None if auth_time is None else datetime.fromtimestamp(auth_time, UTC),
        acting=acting,
        entitlements=frozenset(claims.get("entitlements", [])),
        jkt=None if claims.get("cnf") is None else _text(claims["cnf"], "jkt"),
        actor=None if claims.get("act") is None else _text(claims["act"], "sub"),
        earlier_clients=_earlier_clients(claims),
    )


def _earlier_clients(claims: dict[str, Any]) -> frozenset[str]:
    """The client that the person signed in to, and those of the chain of `act` (RFC 8693 §4.1)."""
    found = set() if claims.get("grant_client_id") is None else {_text(claims, "grant_client_id")}
    act = claims.get("act")
    while act is not None:
        found.add(_text(act, "sub"))
        act = act.get("act")
    return frozenset(found)
