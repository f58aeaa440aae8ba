"""DPoP at the issuer (RFC 9449): proofs at the token and PAR endpoints, with server-provided nonces.

A nonce is derived from a time window with a key that all processes share, so it needs no storage and any
process can verify it.
"""

import hmac
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.base import OAuth2Error

from authkit.dpop import BadProof, Proof, verify_proof
from identity.oauth.state.context import Context

HEADER = "DPoP-Nonce"
_NONCE_SECONDS = 150
_PURPOSE = "dpop-nonce"


class InvalidProof(OAuth2Error):  # type: ignore[misc]
    """The proof is missing or invalid (RFC 9449 §5)."""

    error = "invalid_dpop_proof"


class UseNonce(OAuth2Error):  # type: ignore[misc]
    """The proof must contain the nonce from the response's `DPoP-Nonce` header (RFC 9449 §8)."""

    error = "use_dpop_nonce"


def nonce(context: Context) -> str:
    """Return the nonce of the current time window."""
    return _text(context.vault.index(_PURPOSE, str(_window(context))))


def prove(context: Context, request: Any) -> None:
    """Verify the request's proof, if present, and store its key thumbprint in the context.

    Raises `invalid_dpop_proof` and `use_dpop_nonce`.
    """
    value = request.headers.get("Dpop")
    if value is None:
        return
    now = context.clock.now().timestamp()
    try:
        proof = verify_proof(value, method=request.method, url=request.uri, now=now)
    except BadProof as error:
        raise InvalidProof(f"The DPoP proof was refused: {error}.") from error
    if proof.nonce is None or not _ours(context, proof.nonce):
        raise UseNonce("The DPoP proof needs the nonce of this answer.")
    if not first_use(context, proof):
        raise InvalidProof("The DPoP proof has been used before.")
    context.dpop_jkt = proof.jkt


def first_use(context: Context, proof: Proof) -> bool:
    """Record a proof. Return False if it was already used (§11.1)."""
    until = datetime.fromtimestamp(proof.good_until, UTC)
    return context.issuing.once("dpop", proof.jkt, proof.jti, expires_at=until)


def _ours(context: Context, value: str) -> bool:
    windows = (str(_window(context) - back) for back in (0, 1))
    ours = [_text(index) for window in windows for index in context.vault.indexes(_PURPOSE, window)]
    return any(hmac.compare_digest(value.encode(), one.encode()) for one in ours)


def _window(context: Context) -> int:
    return int(context.clock.now().timestamp()) // _NONCE_SECONDS


def _text(index: bytes) -> str:
    return index.hex()[:43]
