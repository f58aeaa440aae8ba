"""Forged tokens, made from public data: a valid token and the published keys."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey


def _part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a token without verification."""
    raw = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    return claims


def _header_of(token: str) -> dict[str, Any]:
    raw = token.split(".")[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    return header


def unsigned(token: str) -> str:
    """Return a token with `alg: none`, otherwise equal to the valid one."""
    return f"{_part({**_header_of(token), 'alg': 'none'})}.{_part(claims_of(token))}."


def hs256_with_public_key(token: str, jwk: dict[str, Any], form: str) -> str:
    """Return a token signed by HS256 with the public key as `pem`, `der` or `jwk`."""
    key = ECKey.import_key(jwk)
    secret = {
        "pem": key.as_pem(private=False),
        "der": key.as_der(private=False),
        "jwk": json.dumps(jwk).encode(),
    }[form]
    signed = f"{_part({**_header_of(token), 'alg': 'HS256'})}.{_part(claims_of(token))}"
    return f"{signed}.{_part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def of_another_issuer(token: str) -> str:
    """Return a well-formed token of another issuer."""
    key = ECKey.generate_key("P-256", {"kid": "their-key"})
    claims = {**claims_of(token), "iss": "https://elsewhere.example"}
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "their-key"}, claims, key, ["ES256"])


def self_signed(token: str) -> str:
    """Return a token with the issuer's name and key id, signed with another key."""
    header = _header_of(token)
    key = ECKey.generate_key("P-256", {"kid": header["kid"]})
    return jwt.encode(
        {"alg": "ES256", "typ": "at+jwt", "kid": header["kid"]}, claims_of(token), key, ["ES256"]
    )


def seconds_left(token: str) -> float:
    """Return the seconds until the token expires."""
    return float(claims_of(token)["exp"]) - time.time()
