"""The time to verify one access token: with authkit, the signature alone, and with npm's jose."""

import asyncio
import base64
import json
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey

from authkit.jwks import KeySet, fetch_over_http
from authkit.tokens import TokenVerifier
from bench.identity.issuers import PEER


@dataclass(frozen=True)
class Check:
    """Medians in microseconds: authkit, the signature alone, and npm's jose."""

    ours: float
    bare: float
    jose: float


async def token_check(issuer: str, audience: str, token: str, node_program: Path, times: int) -> Check:
    """Time `TokenVerifier.verify` and the signature alone, alternately, and `jose.jwtVerify` in Node.js."""
    verifier = TokenVerifier(issuer=issuer, audience=audience, keys=KeySet(fetch_over_http(f"{issuer}/jwks")))
    await verifier.keys.refresh()
    async with httpx.AsyncClient() as http:
        jwks = (await http.get(f"{issuer}/jwks")).json()
    head, payload, signature = token.split(".")
    kid = json.loads(_decoded(head))["kid"]
    public = ECKey.import_key(next(key for key in jwks["keys"] if key["kid"] == kid)).public_key
    raw, signed = _decoded(signature), f"{head}.{payload}".encode()
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    ours: list[float] = []
    bare: list[float] = []
    for number in range(-200, times):
        began = time.perf_counter_ns()
        await verifier.verify(token)
        between = time.perf_counter_ns()
        public.verify(der, signed, ec.ECDSA(hashes.SHA256()))
        ended = time.perf_counter_ns()
        if number >= 0:
            ours.append((between - began) / 1000)
            bare.append((ended - between) / 1000)
    given = {"token": token, "jwks": jwks, "issuer": issuer, "audience": audience, "times": times}
    done = await asyncio.to_thread(
        subprocess.run,
        [node_program, PEER / "verify.js"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    return Check(statistics.median(ours), statistics.median(bare), json.loads(done.stdout)["p50"])


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
