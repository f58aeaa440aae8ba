"""Client assertions (RFC 7523) and DPoP proofs (RFC 9449) of a client of the issuer.

They are valid by default; every claim and header can be changed, or omitted with None.
"""

import base64
import time
import uuid
from hashlib import sha256
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def _without_none(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not None}


class AssertionKeys:
    """A client's key pairs for private_key_jwt: one for ES256, one for RS256 and PS256."""

    def __init__(self, issuer: str) -> None:
        """Generate keys; `issuer` is the audience of assertions."""
        self.issuer = issuer
        self.ec = ECKey.generate_key("P-256", {"kid": "ec"})
        self.rsa = RSAKey.generate_key(2048, {"kid": "rsa"})

    @property
    def jwks(self) -> dict[str, Any]:
        """Return the public keys for the client's registration."""
        return {"keys": [self.ec.as_dict(private=False), self.rsa.as_dict(private=False)]}

    def assertion(
        self, client_id: str, *, alg: str = "ES256", header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """An assertion of `client_id` for a minute; `changes` are claims, `header` more of the header."""
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
        } | changes
        key = self.ec if alg == "ES256" else self.rsa
        head = {"alg": alg, "kid": key.kid} | (header or {})
        anything = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
        return jwt.encode(_without_none(head), _without_none(claims), key, registry=anything)

    def auth(self, client_id: str, **changes: Any) -> dict[str, str]:
        """Return the parameters of a request with such an assertion."""
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(client_id, **changes),
        }


class ProofKey:
    """The key of a client's DPoP proofs."""

    def __init__(self, origin: str) -> None:
        """Generate a key; `origin` is the origin of the proofs' requests."""
        self.origin = origin
        self.key = ECKey.generate_key("P-256")
        self.jkt = self.key.thumbprint()

    def proof(
        self,
        path: str,
        *,
        method: str = "POST",
        nonce: str | None = None,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Return a proof for one request; with `token`, for that access token (`ath`)."""
        claims: dict[str, Any] = {
            "htm": method,
            "htu": self.origin + path,
            "iat": int(time.time()),
            "jti": str(uuid.uuid4()),
            "nonce": nonce,
        }
        if token is not None:
            digest = sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)} | (header or {})
        return jwt.encode(_without_none(head), _without_none(claims | changes), self.key, [head["alg"]])
