"""Keys of clients that authenticate with private_key_jwt and are configured with a secret like all others."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

ALGORITHM = "ES256"


def key_of(secret: bytes) -> ECKey:
    """Return the key whose private scalar of P-256 is `secret`, 32 random bytes.

    Its `kid` is the thumbprint (RFC 7638). Raises ValueError if the bytes are no scalar of the curve, which
    happens to one of 2^32 random values.
    """
    key = ECKey.import_key(ec.derive_private_key(int.from_bytes(secret), ec.SECP256R1()))
    key.ensure_kid()
    return key


def public_jwks(key: ECKey) -> dict[str, Any]:
    """Return the key set with which a client is registered (RFC 7591 §2, `jwks`)."""
    return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}]}
