"""DPoP at the issuer (RFC 9449): proofs at the token and PAR endpoints, with nonces of our own.

A nonce is a stretch of time under a key that all processes share, so nothing is stored for it and any of
them can check it.
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
    """RFC 9449 §5: the proof is missing or does not hold."""

    error = "invalid_dpop_proof"


class UseNonce(OAuth2Error):  # type: ignore[misc]
    """RFC 9449 §8: the proof has to repeat the nonce of the answer's `DPoP-Nonce`."""

    error = "use_dpop_nonce"


def nonce(context: Context, back: int = 0) -> str:
    """The nonce of this stretch of time, or of one `back` before."""
    stretch = int(context.clock.now().timestamp()) // _NONCE_SECONDS - back
    return context.vault.index(_PURPOSE, str(stretch)).hex()[:43]


def prove(context: Context, request: Any) -> None:
    """Check the request's proof, if there is one, and note its key in the context.

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
    """Note a proof; False when it has been seen (§11.1)."""
    until = datetime.fromtimestamp(proof.good_until, UTC)
    return context.token_rows.once("dpop", proof.jkt, proof.jti, expires_at=until)


def _ours(context: Context, value: str) -> bool:
    return any(hmac.compare_digest(value.encode(), nonce(context, back).encode()) for back in (0, 1))
