"""What the portal signs: client assertions (RFC 7523 §3) and DPoP proofs (RFC 9449 §4.2)."""

import base64
import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from authkit.client_keys import ALGORITHM
from servicekit.ids import new_id

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 60


def assertion(key: ECKey, *, client_id: str, issuer: str, now: datetime) -> dict[str, str]:
    """Return the parameters that authenticate the client once, at any endpoint of the issuer."""
    issued = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "iat": issued,
        "exp": issued + _ASSERTION_SECONDS,
        "jti": str(new_id()),
    }
    signed = jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, [ALGORITHM])
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}


def proof(
    key: ECKey,
    *,
    method: str,
    url: str,
    now: datetime,
    nonce: str | None = None,
    access_token: str | None = None,
) -> str:
    """Return a proof for one request. `url` is the address as the receiver knows it, without its query."""
    claims: dict[str, Any] = {
        "jti": str(new_id()),
        "htm": method,
        "htu": urlunsplit(urlsplit(url)._replace(query="", fragment="")),
        "iat": int(now.timestamp()),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if access_token is not None:
        digest = hashlib.sha256(access_token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    header = {"alg": ALGORITHM, "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key, [ALGORITHM])
