"""Offline verification of access tokens: RFC 9068 §4, RFC 8725.

python-jose verifies signatures, with these restrictions: keys are JWK objects of the issuer's set, selected
by `kid`, never keys from the token; `algorithms` is always explicit and contains asymmetric algorithms only;
a header with `jwk`, `jku`, `x5u` or `crit` makes the token invalid.
"""

import base64
import hashlib
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from jose import ExpiredSignatureError, JOSEError, JWTError, jwk, jwt
from jose.backends.base import Key

from authkit.dpop import BadProof, verify_proof
from authkit.errors import InvalidProof, InvalidToken, KeysUnavailable, TokenExpired, TokenRevoked
from authkit.jwks import KeySet
from authkit.principal import Acting, Principal
from authkit.proofs import SeenProofs, SharedProofs
from authkit.revocation import RevocationList

ALGORITHMS = frozenset({"ES256", "RS256"})
_KTY = {"ES256": "EC", "RS256": "RSA"}
_FORBIDDEN_HEADERS = frozenset({"jwk", "jku", "x5c", "x5u", "crit", "zip", "b64"})
MAX_TOKEN_LENGTH = 8192
LEEWAY_SECONDS = 5
MOST_REMEMBERED = 10_000
"""Verified tokens in memory, each some two kilobytes."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)")
# Errors raised by claims of the wrong type; `fromtimestamp` alone raises three kinds.
_UNFIT = (JOSEError, KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError)


class _Verified(NamedTuple):
    """A token whose signature and claims are valid. It stays so while the issuer publishes the key."""

    kid: str
    key: dict[str, Any]
    principal: Principal


class TokenVerifier:
    """Verifies the access tokens of one issuer for one audience.

    Remembers the tokens that it has verified, by their digests; expiry and revocation are verified each time.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: KeySet,
        revocations: RevocationList | None = None,
        proofs: SharedProofs | None = None,
    ) -> None:
        """`proofs`: those that all processes of the service share; None remembers them in this one only."""
        self.issuer = issuer
        self.audience = audience
        self.keys = keys
        self.revocations = revocations
        self.proofs = proofs or SeenProofs()
        # By `kid`, with the source JWK. Creating a key object takes a third of the time of a verification.
        # The dict stays small, because it contains only the issuer's keys.
        self._made: dict[str, tuple[dict[str, Any], Key]] = {}
        self._verified: dict[bytes, _Verified] = {}

    async def verify_bound(self, token: str, proof: str, *, method: str, url: str) -> Principal:
        """Verify `token` and a DPoP proof for this request (RFC 9449 §7.1); return the principal.

        Raises the errors of `verify`, `InvalidProof` (401), and `DatabaseBusy` (503) if the database cannot
        say whether the proof was used before.
        """
        principal = await self.verify(token)
        now = datetime.now(UTC).timestamp()
        try:
            shown = verify_proof(proof, method=method, url=url, now=now, access_token=token)
        except BadProof as error:
            raise InvalidProof from error
        if principal.jkt is None or shown.jkt != principal.jkt or not await self.proofs.first(shown, now):
            raise InvalidProof
        return principal

    async def verify(self, token: str) -> Principal:
        """Verify `token` and return its principal; with `jkt`, the token must be bound to that key.

        Raises `InvalidToken`, `TokenExpired`, `TokenRevoked` (401), or `KeysUnavailable` (503) if no key of
        the issuer has been fetched yet.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidToken
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is None or await self.keys.get(known.kid) != known.key:
            known = await self._verify(token)
            if len(self._verified) >= MOST_REMEMBERED:
                # The one that was verified first; access tokens live for minutes.
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = known
        principal, now = known.principal, datetime.now(UTC).timestamp()
        # As python-jose compares, in whole seconds.
        if int(principal.expires_at.timestamp()) < int(now) - LEEWAY_SECONDS:
            raise TokenExpired
        if principal.issued_at.timestamp() > now + LEEWAY_SECONDS:
            raise InvalidToken
        if self.revocations is not None and self.revocations.refuses(principal):
            raise TokenRevoked
        return principal

    async def _verify(self, token: str) -> "_Verified":
        """Verify all of `token` that does not change: its header, signature and claims."""
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
        return _Verified(kid, key, principal)

    def _key(self, kid: str, key: dict[str, Any], algorithm: str) -> Key:
        """Return python-jose's key for a JWK of the set; the set replaces JWKs and never mutates them."""
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
        # RFC 9068 §4: `at+jwt`, with or without the media type prefix; this rejects ID tokens.
        if typ.lower() not in {"at+jwt", "application/at+jwt"} or _FORBIDDEN_HEADERS & header.keys():
            raise InvalidToken
        return algorithm, kid


def _is_canonical(token: str) -> bool:
    """Return whether `token` is a compact JWS in its canonical encoding (RFC 7515 §2: no padding).

    The library skips characters outside the alphabet and ignores the unused bits of the last character, so
    without this check one signature would have many valid encodings. An ECDSA signature has a second valid
    value all the same (r, n - s): a token is known by its `jti`, never by its text.
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
        permissions=frozenset(claims.get("permissions", [])),
        platform_role=claims.get("platform_role"),
        jkt=None if claims.get("cnf") is None else _text(claims["cnf"], "jkt"),
        actor=None if claims.get("act") is None else _text(claims["act"], "sub"),
        earlier_clients=_earlier_clients(claims),
    )


def _earlier_clients(claims: dict[str, Any]) -> frozenset[str]:
    """Return the client of the sign-in and the clients of the `act` chain (RFC 8693 §4.1)."""
    found = set() if claims.get("grant_client_id") is None else {_text(claims, "grant_client_id")}
    act = claims.get("act")
    while act is not None:
        found.add(_text(act, "sub"))
        act = act.get("act")
    return frozenset(found)
