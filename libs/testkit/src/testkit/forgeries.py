"""Forgeries of a valid token: algorithm confusion, foreign keys, non-canonical encodings.

RFC 8725 §2 and §3.1, RFC 7515 §4.1 (headers that bring a key along), RFC 7516 (compression).
"""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from testkit.tokens import b64url


def forgeries(valid: str, published: dict[str, Any]) -> dict[str, str]:
    """Return tokens that must be rejected, by the kind of forgery.

    `published` is the JWK that verifies `valid`, a compact JWS of an EC or RSA key.
    """
    head, payload, signature = valid.split(".")
    header, claims = _decoded(head), _decoded(payload)
    kind, alg = (ECKey, "ES256") if published["kty"] == "EC" else (RSAKey, "RS256")
    public = kind.import_key(published)
    stranger = kind.generate_key("P-256" if kind is ECKey else 2048)  # type: ignore[arg-type]
    theirs = stranger.as_dict(private=False)
    anything = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)

    def signed(**changes: Any) -> str:
        return jwt.encode({**header, "alg": alg, **changes}, claims, stranger, registry=anything)

    forged = {
        f"alg {name}": f"{_part({**header, 'alg': name})}.{payload}." for name in ("none", "None", "nOnE")
    }
    forged |= {
        "alg none, signature kept": f"{_part({**header, 'alg': 'none'})}.{payload}.{signature}",
        "HS256, public key as PEM": _hs256(header, payload, public.as_pem(private=False)),
        "HS256, public key as DER": _hs256(header, payload, public.as_der(private=False)),
        "HS256, public key as JWK": _hs256(header, payload, json.dumps(published).encode()),
        "HS256, empty key": _hs256(header, payload, b""),
        "another key under our kid": signed(),
        "unknown kid": signed(kid="nobody"),
        "no kid": jwt.encode({"alg": alg, "typ": header.get("typ", "JWT")}, claims, stranger, [alg]),
        "embedded jwk": signed(jwk=theirs),
        "jku": signed(jku="https://attacker.example/jwks"),
        "x5u": signed(x5u="https://attacker.example/certificate"),
        "compressed": signed(zip="DEF"),
        "claims changed": f"{head}.{_part({**claims, 'sub': str(uuid.UUID(int=0))})}.{signature}",
        "no signature": f"{head}.{payload}.",
        "one part more": f"{valid}.e30",
        "huge": f"{head}.{_part({**claims, 'more': 'x' * 100_000})}.{signature}",
        "nothing": "..",
    }
    return forged


_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def respelled(token: str) -> str:
    """Return the token with the other valid value of its ES256 signature: (r, n - s) for (r, s).

    That is no forgery: FIPS 186-5 §6.4 has two signatures for one message.
    """
    head, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{b64url(raw[:32] + (_P256_ORDER - int.from_bytes(raw[32:])).to_bytes(32))}"


def _decoded(part: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def _part(value: dict[str, Any]) -> str:
    return b64url(json.dumps(value).encode())


def _hs256(header: dict[str, Any], payload: str, secret: bytes) -> str:
    text = f"{_part({**header, 'alg': 'HS256'})}.{payload}"
    return f"{text}.{b64url(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"
