"""Verification of what the issuer signs for the portal: ID tokens and logout tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from authkit.client_keys import ALGORITHM
from authkit.jwks import KeySet
from portal.errors import IssuerUnavailable

_LEEWAY_SECONDS = 30
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_MAX_LENGTH = 8192


class InvalidToken(ValueError):
    """The token is not valid for this use; the message gives the reason and does not quote the token."""


@dataclass(frozen=True)
class SignedIn:
    """What an ID token says about a sign-in (OpenID Connect Core 1.0 §2)."""

    sub: str
    sid: str
    acr: str | None
    auth_time: int | None


@dataclass(frozen=True)
class LoggedOut:
    """Which sessions a logout token ends (Back-Channel Logout 1.0 §2.4): `sid`, or all of the person."""

    sub: str | None
    sid: str | None
    jti: str
    expires_at: float


class IssuedTokens:
    """Verifies tokens with the published keys of the issuer."""

    def __init__(self, keys: KeySet, *, issuer: str, client_id: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._client_id = client_id

    async def signed_in(self, id_token: str, *, nonce: str, now: datetime) -> SignedIn:
        """Verify an ID token (OpenID Connect Core 1.0 §3.1.3.7). Raises `InvalidToken`."""
        claims = await self._claims(id_token, now)
        if claims.get("nonce") != nonce:
            raise InvalidToken("nonce")
        sub, sid = claims.get("sub"), claims.get("sid")
        if not isinstance(sub, str) or not isinstance(sid, str):
            raise InvalidToken("sub or sid")
        acr, auth_time = claims.get("acr"), claims.get("auth_time")
        return SignedIn(
            sub,
            sid,
            acr if isinstance(acr, str) else None,
            auth_time if isinstance(auth_time, int) else None,
        )

    async def logged_out(self, logout_token: str, *, now: datetime) -> LoggedOut:
        """Verify a logout token (Back-Channel Logout 1.0 §2.6), except for replay. Raises `InvalidToken`."""
        claims = await self._claims(logout_token, now, typ="logout+jwt")
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
            raise InvalidToken("events")
        if "nonce" in claims:
            raise InvalidToken("nonce")
        sub, sid, jti = claims.get("sub"), claims.get("sid"), claims.get("jti")
        if not isinstance(jti, str) or not (isinstance(sub, str) or isinstance(sid, str)):
            raise InvalidToken("jti, sub or sid")
        return LoggedOut(
            sub if isinstance(sub, str) else None,
            sid if isinstance(sid, str) else None,
            jti,
            float(claims["exp"]) + _LEEWAY_SECONDS,
        )

    async def _claims(self, token: str, now: datetime, *, typ: str | None = None) -> dict[str, Any]:
        """Return the claims of a token whose signature, issuer, audience and time are right.

        Raises `InvalidToken`, and `IssuerUnavailable` before the keys have been fetched once.
        """
        if len(token) > _MAX_LENGTH or token.count(".") != 2:
            raise InvalidToken("not a compact JWS")
        try:
            header = jws.extract_compact(token.encode()).headers()
            if header.get("alg") != ALGORITHM or (typ is not None and header.get("typ") != typ):
                raise InvalidToken("header")
            jwk = await self._keys.get(str(header.get("kid")))
            if not self._keys.loaded:
                # Nothing can be said about the token: whoever sent it tries again.
                raise IssuerUnavailable
            if jwk is None or jwk.get("kty") != "EC":
                raise InvalidToken("kid")
            key = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
            claims: dict[str, Any] = jwt.decode(token, key, [ALGORITHM]).claims
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise error if isinstance(error, InvalidToken) else InvalidToken("signature") from error
        audience = claims.get("aud")
        if claims.get("iss") != self._issuer:
            raise InvalidToken("iss")
        if self._client_id not in ([audience] if isinstance(audience, str) else audience or []):
            raise InvalidToken("aud")
        if claims.get("azp", self._client_id) != self._client_id:
            raise InvalidToken("azp")
        expires, issued = claims.get("exp"), claims.get("iat")
        if not isinstance(expires, int | float) or not isinstance(issued, int | float):
            raise InvalidToken("exp or iat")
        if not issued - _LEEWAY_SECONDS <= now.timestamp() < expires + _LEEWAY_SECONDS:
            raise InvalidToken("exp or iat")
        return claims
