"""DPoP proofs (RFC 9449 §4.3): a caller proves possession of the key its token is bound to.

Used by the issuer and by resource servers. Replays (`authkit.proofs`) and the nonce are left to the caller.
"""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from servicekit.text import is_storable

ALGORITHMS = ("ES256", "PS256")
PAST_SECONDS = 60
FUTURE_SECONDS = 30
_MAX_LENGTH = 8192
_MAX_JTI = 256
MIN_RSA_BITS = 2048
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_HEADERS = {"typ", "alg", "jwk"}
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_PORTS = {"https": 443, "http": 80}


class _Registry(jws.JWSRegistry):
    """A JWS registry whose header limit allows an RSA key of 4096 bits."""

    max_header_length = 2048


class BadProof(ValueError):
    """The proof is invalid; the message gives the reason and does not quote the proof."""


@dataclass(frozen=True)
class Proof:
    """A valid proof. `jkt` is the RFC 7638 thumbprint of its key; `good_until` is in Unix seconds."""

    jkt: str
    jti: str
    nonce: str | None
    good_until: float


def verify_proof(proof: str, *, method: str, url: str, now: float, access_token: str | None = None) -> Proof:
    """Verify a proof, except for replay and nonce.

    `now` is in Unix seconds. With `access_token`, the proof must be for that token (`ath`).
    Raises `BadProof`.
    """
    if len(proof) > _MAX_LENGTH or _COMPACT.fullmatch(proof) is None:
        raise BadProof("not a compact JWS")
    try:
        header, claims, jkt = _signed(proof)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise error if isinstance(error, BadProof) else BadProof("not a valid signature") from error
    if header.get("typ") != "dpop+jwt":
        raise BadProof("typ is not dpop+jwt")
    if claims.get("htm") != method:
        raise BadProof("htm is not the method of the request")
    htu = claims.get("htu")
    if not isinstance(htu, str) or _normal(htu) is None or _normal(htu) != _normal(url):
        raise BadProof("htu is not the address of the request")
    issued = _instant(claims.get("iat"))
    if not now - PAST_SECONDS <= issued <= now + FUTURE_SECONDS:
        raise BadProof("iat is not recent")
    if "exp" in claims and _instant(claims["exp"]) <= now:
        raise BadProof("expired")
    if "nbf" in claims and _instant(claims["nbf"]) > now + FUTURE_SECONDS:
        raise BadProof("not valid yet")
    jti, nonce = claims.get("jti"), claims.get("nonce")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI or not is_storable(jti):
        raise BadProof("jti is missing")
    if nonce is not None and not (isinstance(nonce, str) and is_storable(nonce)):
        raise BadProof("nonce is not a string")
    if access_token is not None:
        ath = claims.get("ath")
        digest = base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest())
        if not isinstance(ath, str) or not hmac.compare_digest(ath.encode(), digest.rstrip(b"=")):
            raise BadProof("ath is not of this access token")
    return Proof(jkt, jti, nonce, issued + PAST_SECONDS)


def _signed(proof: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header: dict[str, Any] = dict(jws.extract_compact(proof.encode(), registry=_Registry()).headers())
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if algorithm not in ALGORITHMS:
        raise BadProof("algorithm not allowed")
    if header.keys() - _HEADERS - {"kid"} or not isinstance(jwk, dict) or _PRIVATE & jwk.keys():
        raise BadProof("header not allowed")
    key: ECKey | RSAKey
    if algorithm == "ES256":
        if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
            raise BadProof("key does not fit the algorithm")
        key = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
    else:
        if jwk.get("kty") != "RSA":
            raise BadProof("key does not fit the algorithm")
        if rsa_bits(jwk) < MIN_RSA_BITS:
            raise BadProof("key too short")
        key = RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")})
    payload = jws.deserialize_compact(proof, key, registry=_Registry(algorithms=[algorithm])).payload
    claims = json.loads(payload or b"")
    if not isinstance(claims, dict):
        raise BadProof("claims are not an object")
    return header, claims, key.thumbprint()


def rsa_bits(jwk: dict[str, Any]) -> int:
    """Return the size of an RSA key in bits, from its modulus (RFC 7518 §6.3.1.1)."""
    modulus = str(jwk["n"])
    return int.from_bytes(base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))).bit_length()


def _instant(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadProof("a time is not a number")
    return float(value)


_PLAIN = "/!$&'()*+,;=:@~"
"""Characters that mean the same in a path whether they are percent-encoded or not: services do not tell them
apart.
"""


def _normal(url: str) -> tuple[str, str, int | None, str] | None:
    """Return the URI without query and fragment, normalized as in RFC 3986 §6.2.2 and §6.2.3."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc:
        return None
    path = quote(unquote_to_bytes(parts.path), _PLAIN)
    return parts.scheme.lower(), parts.hostname.lower(), port, path or "/"
