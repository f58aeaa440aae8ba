"""Access tokens for tests: valid tokens, and invalid tokens that a resource server must reject.

This module does not use authkit, so that it cannot repeat a mistake of authkit.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jws

from contracts.permissions import built_in_permissions
from contracts.vocabulary import Audience, Kind, Level, Role

ALGORITHM: Final = "ES256"
LIFETIME_SECONDS: Final = 300

AUDIENCES: Final = tuple(Audience)


class _Omit:
    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = _Omit()
"""Value of a claim or header that is omitted."""


class _Clock(Protocol):
    def now(self) -> datetime: ...


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _segment(value: Mapping[str, Any]) -> str:
    return b64url(json.dumps(value, separators=(",", ":")).encode())


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**base, **changes}.items() if value is not OMIT}


class TokenFactory:
    """An issuer with one ES256 key. Each method that makes a token takes claims by keyword.

    `OMIT` leaves a claim or header out; `headers` changes the JOSE header.
    """

    def __init__(
        self,
        *,
        issuer: str = "https://identity.zhuxue.test",
        audience: str = Audience.OFFICE,
        kid: str | None = None,
        clock: _Clock | None = None,
    ) -> None:
        """Make a new key; `clock` (real time when None) dates the tokens."""
        self.issuer = issuer
        self.audience = audience
        self.kid = kid or secrets.token_hex(8)
        self._clock = clock
        self._key = ec.generate_private_key(ec.SECP256R1())

    def _now(self) -> int:
        return int(time.time()) if self._clock is None else int(self._clock.now().timestamp())

    # --- the key ---

    def public_jwk(self) -> dict[str, str]:
        """Return the public key as a JWK (RFC 7517) with kid, use and alg, without private members."""
        fields = jwk.construct(self.public_pem().decode(), ALGORITHM).to_dict()
        plain = {name: v.decode() if isinstance(v, bytes) else str(v) for name, v in fields.items()}
        return {**plain, "kid": self.kid, "use": "sig", "alg": ALGORITHM}

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the JWK Set that the issuer publishes (RFC 7517 section 5)."""
        return {"keys": [self.public_jwk()]}

    def public_pem(self) -> bytes:
        """Return the public key as PEM SubjectPublicKeyInfo."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.PEM, form)

    def public_der(self) -> bytes:
        """Return the public key as DER SubjectPublicKeyInfo."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.DER, form)

    def private_pem(self) -> bytes:
        """Return the private key as PEM PKCS #8, for an issuer under test that is to share the key."""
        form, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self._key.private_bytes(serialization.Encoding.PEM, form, no_password)

    # --- what goes into a token ---

    def claims(self, **changes: Any) -> dict[str, Any]:
        """RFC 9068 section 2.2 claims and ours, for a handler of a county's aid office.

        Without a claim `permissions`, they are those of the built-in roles among `roles`, as in Identity.
        """
        now = self._now()
        base: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": str(uuid.uuid4()),
            "client_id": "portal",
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": str(uuid.uuid4()),
            "scope": "openid profile",
            "sid": str(uuid.uuid4()),
            "acr": "urn:zhuxue:acr:sms",
            "auth_time": now - 60,
            "unit": str(uuid.uuid4()),
            "unit_path": "100000.370000.370100.370102",
            "level": Level.COUNTY,
            "kind": Kind.STUDENT_AID,
            "roles": [Role.HANDLER],
            "entitlements": [],
        }
        claims = _merged(base, changes)
        if "permissions" not in changes and isinstance(roles := claims.get("roles"), list | tuple):
            claims["permissions"] = sorted(built_in_permissions(roles))
        return claims

    def without_membership(self, **claims: Any) -> str:
        """Make a valid token of a person without active membership: no unit claims."""
        absent = dict.fromkeys(("unit", "unit_path", "level", "kind", "roles", "entitlements"), OMIT)
        return self.access_token(**{**absent, **claims})

    def header(self, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the JOSE header of an access token: typ at+jwt (RFC 9068 section 2.1), alg, kid."""
        return _merged({"typ": "at+jwt", "alg": ALGORITHM, "kid": self.kid}, changes or {})

    # --- tokens ---

    def access_token(self, *, headers: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Make a token signed with the issuer's key; valid unless `headers` or `claims` invalidate it."""
        return self.sign(self.header(headers), self.claims(**claims))

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """Sign exactly this header and these claims with the issuer's key (ES256)."""
        key = self.private_pem().decode()
        if header.get("typ") is not None and header.get("alg") == ALGORITHM:
            return str(jws.sign(dict(claims), key, headers=dict(header), algorithm=ALGORITHM))
        # python-jose requires typ and alg, so an invalid header is built by hand.
        signed = f"{_segment(header)}.{_segment(claims)}"
        return f"{signed}.{b64url(jwk.construct(key, ALGORITHM).sign(signed.encode()))}"

    def wrong_issuer(self, **claims: Any) -> str:
        """Make a token signed with the issuer's key that names another issuer."""
        return self.access_token(**{"iss": "https://elsewhere.test", **claims})

    def wrong_audience(self, **claims: Any) -> str:
        """Make a token for another resource server."""
        return self.access_token(**{"aud": "urn:zhuxue:elsewhere", **claims})

    def expired(self, seconds_ago: int = 3600, **claims: Any) -> str:
        """Make a token that expired `seconds_ago`, otherwise valid."""
        end = self._now() - seconds_ago
        return self.access_token(**{"iat": end - LIFETIME_SECONDS, "exp": end, **claims})

    def unsigned(self, alg: str = "none", **claims: Any) -> str:
        """Alg none, or a spelling such as "NoNe", with an empty signature (RFC 8725 section 2.1)."""
        return f"{_segment(self.header({'alg': alg}))}.{_segment(self.claims(**claims))}."

    def hs256_with_public_key(self, form: Literal["pem", "der", "jwk"] = "pem", **claims: Any) -> str:
        """HS256 keyed with the bytes of our public key: the key confusion of RFC 8725 section 2.1."""
        published = json.dumps(self.public_jwk(), separators=(",", ":")).encode()
        secret = {"pem": self.public_pem(), "der": self.public_der(), "jwk": published}[form]
        signed = f"{_segment(self.header({'alg': 'HS256'}))}.{_segment(self.claims(**claims))}"
        return f"{signed}.{b64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    def unknown_kid(self, **claims: Any) -> str:
        """Make a token signed with the issuer's key, with a kid that is not in the JWK Set."""
        return self.access_token(headers={"kid": "unknown-" + secrets.token_hex(4)}, **claims)

    def embedded_jwk(self, **claims: Any) -> str:
        """Make a token signed with an attacker's key in the header `jwk` (RFC 7515 section 4.1.3)."""
        attacker = TokenFactory(kid=self.kid)
        return attacker.sign(self.header({"jwk": attacker.public_jwk()}), self.claims(**claims))

    def foreign_signature(self, **claims: Any) -> str:
        """Make a token with the issuer's header and kid, signed with another key."""
        return TokenFactory(kid=self.kid).sign(self.header(), self.claims(**claims))

    def tampered(self, **claims: Any) -> str:
        """Make a valid token whose claims were replaced by `claims` after signing."""
        header, _, signature = self.access_token().split(".")
        return f"{header}.{_segment(self.claims(**claims))}.{signature}"
