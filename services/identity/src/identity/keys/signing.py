"""Compact JWS (RFC 7515 §7.1) with the issuer's keys.

ES256 by `cryptography` directly: joserfc takes twice as long for the same token. RS256, for clients that ask
for it, by joserfc.
"""

import base64
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic_core import to_json

from identity.keys.ring import PrivateKey

_ECDSA: Final = ec.ECDSA(SHA256())
_BYTES: Final = 32
"""Of each half of a signature with P-256 (RFC 7518 §3.4)."""


def signed(key: PrivateKey, claims: dict[str, Any], *, typ: str = "JWT") -> str:
    """Return the claims as a JWT of the type `typ`, signed by ES256 or RS256 as the key is meant for."""
    private = key.private_key if isinstance(key, ECKey) else None
    if private is None:
        return jwt.encode({"alg": "RS256", "typ": typ, "kid": key.kid}, claims, key, ["RS256"])
    text = _header(key.kid, typ) + b"." + _base64url(to_json(claims))
    r, s = decode_dss_signature(private.sign(text, _ECDSA))
    signature = r.to_bytes(_BYTES, "big") + s.to_bytes(_BYTES, "big")
    return (text + b"." + _base64url(signature)).decode()


@lru_cache(maxsize=64)
def _header(kid: str | None, typ: str) -> bytes:
    return _base64url(to_json({"alg": "ES256", "typ": typ, "kid": kid}))


def _base64url(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")
