"""Offline check of access tokens: RFC 9068 §4, RFC 8725.

python-jose does the cryptography, wrapped so that it cannot be misled: keys are JWK objects of the
issuer's set chosen by `kid`, never material from the token; `algorithms` is always explicit and only
ever asymmetric; whatever else the header offers (`jwk`, `jku`, `x5u`, `crit`) makes the token invalid.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from jose import ExpiredSignatureError, JWTError, jwt

from authkit.errors import InvalidToken, KeysUnavailable, TokenExpired, TokenRevoked
from authkit.jwks import KeySet
from authkit.principal import Acting, Principal
from authkit.revocation import RevocationList

ALGORITHMS = frozenset({"ES256", "RS256"})
_KTY = {"ES256": "EC", "RS256": "RSA"}
_FORBIDDEN_HEADERS = frozenset({"jwk", "jku", "x5c", "x5u", "crit", "zip", "b64"})
MAX_TOKEN_LENGTH = 8192
LEEWAY_SECONDS = 5


class TokenVerifier:
    """Checks the access tokens of one issuer for one audience."""

    def __init__(
        self, *, issuer: str, audience: str, keys: KeySet, revocations: RevocationList | None = None
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self.keys = keys
        self.revocations = revocations

    async def verify(self, token: str) -> Principal:
        """Who bears `token`.

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
                key,
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
        except (JWTError, KeyError, TypeError, ValueError) as error:
            raise InvalidToken from error
        if principal.issued_at.timestamp() > datetime.now(UTC).timestamp() + LEEWAY_SECONDS:
            raise InvalidToken
        if self.revocations is not None and self.revocations.refuses(principal):
            raise TokenRevoked
        return principal

    def _header(self, token: str) -> tuple[str, str]:
        try:
            header = jwt.get_unverified_header(token)
        except JWTError as error:
            raise InvalidToken from error
        algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
        if algorithm not in ALGORITHMS or not isinstance(kid, str) or not isinstance(typ, str):
            raise InvalidToken
        # RFC 9068 §4: `at+jwt`, the media type prefix allowed; an ID token is not an access token.
        if typ.lower() not in {"at+jwt", "application/at+jwt"} or _FORBIDDEN_HEADERS & header.keys():
            raise InvalidToken
        return algorithm, kid


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
        sub=str(claims["sub"]),
        client_id=str(claims["client_id"]),
        scope=frozenset(str(claims.get("scope", "")).split()),
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        jti=str(claims["jti"]),
        sid=claims.get("sid"),
        acr=claims.get("acr"),
        auth_time=None if auth_time is None else datetime.fromtimestamp(auth_time, UTC),
        acting=acting,
        entitlements=frozenset(claims.get("entitlements", [])),
    )
