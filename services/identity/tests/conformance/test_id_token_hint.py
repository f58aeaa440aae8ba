"""`id_token_hint` after its key has left the JWKS, at both places that read hints."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from joserfc import jws
from sqlalchemy.orm import Session

from identity.keys.ring import KeyRing
from testkit.clock import FrozenClock
from testkit.relying_party import RelyingParty

OUT = "http://localhost:8000/out"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key ring looks at the rows each time."""
    monkeypatch.setattr("identity.keys.ring.CACHE_SECONDS", -1.0)


async def on_keys(rp: RelyingParty, call: Callable[[KeyRing, Session], object]) -> None:
    async with rp.browser.app.state.database.transaction() as session:
        await session.run_sync(lambda sync: call(rp.browser.app.state.key_ring, sync))


def kid_of(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


async def published(rp: RelyingParty) -> set[str]:
    return {key["kid"] for key in (await rp.http.get("/jwks")).json()["keys"]}


async def test_a_hint_whose_key_has_been_rotated_out_is_taken(rp: RelyingParty, clock: FrozenClock) -> None:
    hint = (await rp.tokens())["id_token"]
    await on_keys(rp, lambda ring, sync: ring.rotate(sync, clock.now(), "ES256", at_once=True))
    clock.advance(timedelta(minutes=10))
    assert kid_of(hint) not in await published(rp)
    assert "code" in await rp.authorize(prompt="none", id_token_hint=hint)
    params = {"id_token_hint": hint, "post_logout_redirect_uri": OUT}
    answer = await rp.http.get("/end_session", params=params)
    assert (answer.status_code, answer.headers["location"]) == (303, OUT)


async def test_a_hint_signed_by_a_compromised_key_is_refused(rp: RelyingParty, clock: FrozenClock) -> None:
    hint = (await rp.tokens())["id_token"]
    await on_keys(rp, lambda ring, sync: ring.retire(sync, clock.now(), kid_of(hint), at_once=True))
    assert (await rp.authorize(prompt="none", id_token_hint=hint))["error"] == "invalid_request"
    params = {"id_token_hint": hint, "post_logout_redirect_uri": OUT}
    answer = await rp.http.get("/end_session", params=params)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "code" in await rp.authorize(prompt="none")
