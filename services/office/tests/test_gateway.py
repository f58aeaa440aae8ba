"""Office behind a gateway: a DPoP proof names the address that the caller knows (RFC 9449 §4.3)."""

import base64
import time
from hashlib import sha256

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from services.office.tests.support.running_office import running
from services.office.tests.support.world import SMALL, World
from testkit.clock import FrozenClock

KEY = ECKey.generate_key("P-256")
PUBLIC = "https://bg.example.org"


def proof(url: str, token: str) -> str:
    ath = base64.urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
    claims = {"htm": "GET", "htu": url, "iat": int(time.time()), "jti": url, "ath": ath}
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)}
    return jwt.encode(head, claims, KEY, ["ES256"])


@pytest.mark.parametrize(("origin", "status"), [(PUBLIC, 200), ("http://office.test", 401)])
async def test_a_bound_token_is_taken_with_a_proof_for_the_public_address(
    database_url: str, clock: FrozenClock, origin: str, status: int
) -> None:
    async with running(database_url, clock, World.of(SMALL), public_url=PUBLIC) as office:
        token = office.token("370102", "handler", cnf={"jkt": KEY.thumbprint()})
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof(f"{origin}/api/v1/units", token)}
        answer = await office.client(None).get("/api/v1/units", headers=headers)
        assert answer.status_code == status, answer.text
