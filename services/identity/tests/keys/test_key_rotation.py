"""Signing keys: published before use, kept until the last token has expired, alike in every process."""

import argparse
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from authkit import jwks as authkit_jwks
from authkit.jwks import KeySet
from identity.audit.models import AuditRecord
from identity.cli_keys import perform
from identity.clients.models import Client
from identity.keys.jobs import maintain
from identity.keys.models import SigningKey
from identity.keys.ring import LEAD, KeyRing, NoSuchKey
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clock import FrozenClock

pytestmark = pytest.mark.usefixtures("clients_read_anew")

T = TypeVar("T")
PHONE = "19900001323"
KEEP = timedelta(seconds=300 + 60)


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rings look at the rows each time, and a key set may fetch as often as it likes."""
    monkeypatch.setattr("identity.keys.ring.CACHE_SECONDS", -1.0)
    monkeypatch.setattr(authkit_jwks, "_UNKNOWN_KID_SECONDS", -1.0)


def another_ring(app: FastAPI, clock: FrozenClock) -> KeyRing:
    """The key ring of a second process on the same database."""
    return KeyRing(app.state.vault, clock, token_seconds=300)


async def on(app: FastAPI, call: Callable[[Session], T]) -> T:
    async with app.state.database.transaction() as session:
        found: T = await session.run_sync(call)
        return found


async def active(app: FastAPI, ring: KeyRing, alg: str = "ES256") -> str:
    key = await on(app, lambda sync: ring.active(sync, alg))
    return str(key.kid)


async def published(app: FastAPI) -> set[str]:
    document = await on(app, app.state.key_ring.jwks)
    return {key["kid"] for key in document["keys"]}


async def test_a_new_key_is_published_before_use_and_the_old_one_kept_until_its_tokens_expired(
    app: FastAPI, clock: FrozenClock
) -> None:
    ring, other = app.state.key_ring, another_ring(app, clock)
    old = await active(app, ring)
    new = await on(app, lambda sync: ring.rotate(sync, clock.now(), "ES256"))
    assert {old, new} <= await published(app)
    assert timedelta(seconds=300) <= LEAD
    clock.advance(LEAD - timedelta(seconds=1))
    assert await active(app, ring) == await active(app, other) == old
    clock.advance(timedelta(seconds=1))
    assert await active(app, ring) == await active(app, other) == new
    assert old in await published(app)
    clock.advance(KEEP - timedelta(seconds=1))
    assert old in await published(app)
    clock.advance(timedelta(seconds=1))
    assert old not in await published(app)
    known = await on(app, ring.known)
    assert old in {key["kid"] for key in known["keys"]}


async def test_a_resource_server_with_the_old_jwks_accepts_tokens_of_the_new_key(
    app: FastAPI, clock: FrozenClock
) -> None:
    async def fetch() -> JsonObject:
        document: JsonObject = await on(app, app.state.key_ring.jwks)
        return document

    cached = KeySet(fetch)
    await cached.refresh()
    ring = app.state.key_ring
    before = await on(app, lambda sync: ring.active(sync))
    token_before = jwt.encode({"alg": "ES256", "kid": before.kid}, {"n": 1}, before, ["ES256"])
    await on(app, lambda sync: ring.rotate(sync, clock.now(), "ES256"))
    clock.advance(LEAD)
    after = await on(app, lambda sync: ring.active(sync))
    token_after = jwt.encode({"alg": "ES256", "kid": after.kid}, {"n": 2}, after, ["ES256"])
    assert before.kid != after.kid
    for token, kid in ((token_after, after.kid), (token_before, before.kid)):
        jwk = await cached.get(kid)
        assert jwk is not None
        jwt.decode(token, ECKey.import_key(jwk), ["ES256"])


async def test_rotating_twice_makes_one_successor(app: FastAPI, clock: FrozenClock) -> None:
    ring, other = app.state.key_ring, another_ring(app, clock)
    first = await on(app, lambda sync: ring.rotate(sync, clock.now(), "ES256"))
    second = await on(app, lambda sync: other.rotate(sync, clock.now(), "ES256"))
    assert first == second


async def test_the_schedule_rotates_both_algorithms_once_whoever_looks(
    app: FastAPI, clock: FrozenClock
) -> None:
    rings = [app.state.key_ring, another_ring(app, clock)]
    clock.advance(timedelta(days=89))
    for ring in rings:
        async with app.state.database.transaction() as session:
            assert await maintain(session, ring, clock, 90) == []
    clock.advance(timedelta(days=1))
    async with (
        app.state.database.transaction() as one,
        app.state.database.transaction() as two,
    ):
        made = await maintain(one, rings[0], clock, 90)
        # The first has not committed: the second leaves it to the first.
        assert await maintain(two, rings[1], clock, 90) == []
    assert len(made) == 2
    async with app.state.database.transaction() as session:
        assert await maintain(session, rings[1], clock, 90) == []
        told = await session.scalars(select(AuditRecord.target_id).where(AuditRecord.actor == "schedule"))
        assert set(told) == set(made)


async def test_a_schedule_of_zero_days_never_rotates(app: FastAPI, clock: FrozenClock) -> None:
    clock.advance(timedelta(days=5000))
    async with app.state.database.transaction() as session:
        assert await maintain(session, app.state.key_ring, clock, 0) == []


async def test_emergency_a_compromised_key_leaves_the_jwks_at_once(app: FastAPI, clock: FrozenClock) -> None:
    ring = app.state.key_ring
    bad = await active(app, ring)
    good = await on(app, lambda sync: ring.retire(sync, clock.now(), bad, at_once=True))
    assert await active(app, ring) == await active(app, another_ring(app, clock)) == good
    assert bad not in await published(app)
    assert bad not in {key["kid"] for key in (await on(app, ring.known))["keys"]}
    with pytest.raises(NoSuchKey):
        await on(app, lambda sync: ring.retire(sync, clock.now(), bad))


async def test_rotate_now_signs_at_once_and_keeps_the_old_key_published(
    app: FastAPI, clock: FrozenClock
) -> None:
    ring = app.state.key_ring
    old = await active(app, ring)
    new = await on(app, lambda sync: ring.rotate(sync, clock.now(), "ES256", at_once=True))
    assert await active(app, ring) == new
    assert {old, new} <= await published(app)


async def test_retiring_the_signing_key_gives_it_a_successor(app: FastAPI, clock: FrozenClock) -> None:
    ring = app.state.key_ring
    old = await active(app, ring, "RS256")
    successor = await on(app, lambda sync: ring.retire(sync, clock.now(), old))
    assert await active(app, ring, "RS256") == old
    clock.advance(LEAD)
    assert await active(app, ring, "RS256") == successor


async def test_the_commands_tell_what_they_did(app: FastAPI, clock: FrozenClock) -> None:
    ring = app.state.key_ring
    old = await active(app, ring)

    def command(**words: object) -> Awaitable[str]:
        parsed = argparse.Namespace(**words)
        return on(app, lambda sync: perform(sync, ring, clock, parsed))

    assert (await command(command="rotate", alg="ES256", now=False)).startswith("published ")
    assert await command(command="retire", kid=old, now=True) != ""
    listed = await command(command="list")
    assert f"{old} ES256 compromised" in listed
    assert "ES256 waiting" in listed
    assert "RS256 signing" in listed


async def test_private_keys_are_sealed(app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        for row in await session.scalars(select(SigningKey)):
            assert b'"d"' not in row.private_jwk_sealed
            assert "d" not in row.public_jwk


async def test_an_id_token_in_rs256_for_a_client_that_asks_for_it(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    async with app.state.database.transaction() as session:
        client = await session.get(Client, "portal")
        client.id_token_signed_response_alg = "RS256"
    browser = new_browser()
    answer = (await browser.token(PHONE)).json()
    keys = {key["kid"]: key for key in (await browser.http.get("/jwks")).json()["keys"]}
    header = json.loads(jwt_part(answer["id_token"]))
    assert header["alg"] == "RS256"
    token = jwt.decode(answer["id_token"], RSAKey.import_key(keys[header["kid"]]), ["RS256"])
    assert token.claims["at_hash"] == half_hash(answer["access_token"])
    assert json.loads(jwt_part(answer["access_token"]))["alg"] == "ES256"


def jwt_part(token: str) -> bytes:

    part = token.split(".")[0]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def half_hash(token: str) -> str:

    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).decode().rstrip("=")
