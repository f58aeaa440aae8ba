"""Tokens withdrawn before they expire: by person, by session, by audience; at once and after a restart."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from authkit.errors import TokenRevoked
from authkit.jwks import KeySet
from authkit.revocation import RevocationList, make_revocation_table
from authkit.tokens import TokenVerifier
from contracts.identity import AccessRevokedV1, ClientRevokedV1, UnitAccessRevokedV1
from servicekit.db import Database, new_metadata
from testkit.plugin import DatabaseFactory
from testkit.tokens import OMIT, TokenFactory

METADATA = new_metadata()
TABLE = make_revocation_table(METADATA)


async def _create(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()


@pytest_asyncio.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    database = Database(
        await database_factory("revocations", _create), plans="force_custom_plan", pool_size=2
    )
    yield database
    await database.close()


@pytest.fixture
def revocations(database: Database, issuer: TokenFactory) -> RevocationList:
    return RevocationList(database, TABLE, issuer.audience)


@pytest.fixture
def verifier(issuer: TokenFactory, keys: KeySet, revocations: RevocationList) -> TokenVerifier:
    return TokenVerifier(issuer=issuer.issuer, audience=issuer.audience, keys=keys, revocations=revocations)


def revoked(sub: str, **changes: Any) -> AccessRevokedV1:
    now = datetime.now(UTC)
    fields = {"sub": sub, "not_before": now, "expires_at": now + timedelta(minutes=6), "reason": "停用"}
    return AccessRevokedV1.model_validate({**fields, **changes})


def token_of(issuer: TokenFactory, **claims: Any) -> str:
    """A token made ten seconds ago: `iat` has whole seconds, and the second may just be turning."""
    return issuer.access_token(**{"iat": int(datetime.now(UTC).timestamp()) - 10, **claims})


async def is_refused(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.verify(token)
    except TokenRevoked:
        return True
    return False


async def test_a_person_s_tokens_are_refused_from_the_moment_it_is_heard(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory
) -> None:
    sub = str(uuid4())
    one, two, other = token_of(issuer, sub=sub), token_of(issuer, sub=sub), token_of(issuer)
    assert not await is_refused(verifier, one)
    revocations.hear(revoked(sub))
    assert await is_refused(verifier, one)
    assert await is_refused(verifier, two)
    assert not await is_refused(verifier, other)


async def test_a_token_made_after_the_withdrawal_is_good(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory
) -> None:
    sub, now = str(uuid4()), datetime.now(UTC)
    revocations.hear(revoked(sub, not_before=now - timedelta(seconds=20)))
    assert not await is_refused(verifier, issuer.access_token(sub=sub))
    made_before = int(now.timestamp()) - 30
    assert await is_refused(verifier, token_of(issuer, sub=sub, iat=made_before))


async def test_one_session_can_end_without_the_others(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory
) -> None:
    sub = str(uuid4())
    ended, going_on = token_of(issuer, sub=sub, sid="ended"), token_of(issuer, sub=sub, sid="going-on")
    revocations.hear(revoked(sub, sid="ended"))
    assert await is_refused(verifier, ended)
    assert not await is_refused(verifier, going_on)
    assert not await is_refused(verifier, token_of(issuer, sid="ended")), "another person's session"


async def test_a_withdrawal_of_a_session_and_a_grant_concerns_tokens_of_either(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory, database: Database
) -> None:
    """It once concerned none: it was compared with tokens of neither."""
    sub = str(uuid4())
    async with database.transaction() as session:
        await revocations.record(session, revoked(sub, sid="s1", grant_id="g1"))
    restarted = RevocationList(database, TABLE, issuer.audience)
    await restarted.reload()
    for known in (revocations, restarted):
        verifier.revocations = known
        assert await is_refused(verifier, token_of(issuer, sub=sub, sid="s1", grant_id="g1"))
        assert await is_refused(verifier, token_of(issuer, sub=sub, sid="s1", grant_id="g2"))
        assert await is_refused(verifier, token_of(issuer, sub=sub, sid="s2", grant_id="g1"))
        assert not await is_refused(verifier, token_of(issuer, sub=sub, sid="s2", grant_id="g2"))
        assert not await is_refused(verifier, token_of(issuer, sub=sub))


def client_revoked(client_id: str) -> ClientRevokedV1:
    now = datetime.now(UTC)
    return ClientRevokedV1(
        client_id=client_id, not_before=now, expires_at=now + timedelta(minutes=6), reason="停用"
    )


async def test_a_client_s_tokens_are_refused_whoever_they_speak_of(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory, database: Database
) -> None:
    async with database.transaction() as session:
        await revocations.record(session, client_revoked("portal"))
    restarted = RevocationList(database, TABLE, issuer.audience)
    await restarted.reload()
    chain = {"sub": "cockpit", "act": {"sub": "portal"}}
    made_later = int(datetime.now(UTC).timestamp()) + 5
    for known in (revocations, restarted):
        verifier.revocations = known
        assert await is_refused(verifier, token_of(issuer, client_id="portal"))
        assert await is_refused(verifier, token_of(issuer, client_id="portal", sub="portal"))
        assert not await is_refused(verifier, token_of(issuer, client_id="office"))
        assert await is_refused(verifier, token_of(issuer, client_id="office", grant_client_id="portal"))
        assert await is_refused(verifier, token_of(issuer, client_id="cockpit", act=chain))
        assert not await is_refused(verifier, token_of(issuer, client_id="portal", iat=made_later))


async def test_a_withdrawal_for_another_audience_is_not_ours(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory
) -> None:
    sub = str(uuid4())
    token = token_of(issuer, sub=sub)
    revocations.hear(revoked(sub, audience="urn:zhuxue:cockpit"))
    assert not await is_refused(verifier, token)
    revocations.hear(revoked(sub, audience=issuer.audience))
    assert await is_refused(verifier, token)


async def test_the_version_grows_with_what_refuses_more_and_with_nothing_else(
    revocations: RevocationList, database: Database
) -> None:
    """Streams are compared with the list again only when it has grown."""
    event, versions = revoked(str(uuid4())), [revocations.version]
    async with database.transaction() as session:
        await revocations.record(session, event)
    versions.append(revocations.version)
    revocations.hear(event)
    await revocations.reload()
    versions.append(revocations.version)
    revocations.hear(revoked(str(uuid4()), audience="urn:zhuxue:elsewhere"))
    versions.append(revocations.version)
    revocations.hear(client_revoked("portal"))
    versions.append(revocations.version)
    assert versions == [0, 1, 1, 1, 2]


async def test_a_withdrawal_is_stored_and_read_again_after_a_restart(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory, database: Database
) -> None:
    person, session_of, elsewhere = (str(uuid4()) for _ in range(3))
    async with database.transaction() as session:
        await revocations.record(session, revoked(person))
        await revocations.record(session, revoked(session_of, sid="s1"))
        await revocations.record(session, revoked(elsewhere, audience="urn:zhuxue:cockpit"))
    assert await is_refused(verifier, token_of(issuer, sub=person)), "at once, in the recording process"

    restarted = RevocationList(database, TABLE, issuer.audience)
    verifier.revocations = restarted
    assert not await is_refused(verifier, token_of(issuer, sub=person))
    async with restarted.kept_fresh():
        assert await is_refused(verifier, token_of(issuer, sub=person))
        assert await is_refused(verifier, token_of(issuer, sub=session_of, sid="s1"))
        assert not await is_refused(verifier, token_of(issuer, sub=session_of, sid="s2"))
        assert not await is_refused(verifier, token_of(issuer, sub=elsewhere))


async def test_what_the_listener_missed_is_read_in_the_background(
    verifier: TokenVerifier,
    revocations: RevocationList,
    issuer: TokenFactory,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("authkit.revocation._RELOAD_SECONDS", 0.05)
    sub = str(uuid4())
    async with revocations.kept_fresh():
        another_process = RevocationList(database, TABLE, issuer.audience)
        async with database.transaction() as session:
            await another_process.record(session, revoked(sub))
        async with asyncio.timeout(60):
            while not await is_refused(verifier, token_of(issuer, sub=sub)):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)


async def test_a_reload_reads_what_is_new_and_seldom_everything(
    revocations: RevocationList, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    row = {"not_before": now, "expires_at": now + timedelta(minutes=6)}
    old = [{"id": uuid4(), "sub": uuid4(), "recorded_at": now - timedelta(minutes=2)} for _ in range(500)]
    async with database.transaction() as session:
        await session.execute(insert(TABLE), [row | given for given in old])
    read: list[UUID] = []
    take = revocations._add_person

    def counted(sub: UUID, entry: Any) -> None:
        read.append(sub)
        take(sub, entry)

    monkeypatch.setattr(revocations, "_add_person", counted)

    async def reloaded() -> int:
        read.clear()
        await revocations.reload()
        return len(read)

    async def recorded(seconds_ago: float) -> None:
        recorded_at = now - timedelta(seconds=seconds_ago)
        async with database.transaction() as session:
            new = {"id": uuid4(), "sub": uuid4(), "recorded_at": recorded_at}
            await session.execute(insert(TABLE), [row | new])

    assert await reloaded() == 500
    await recorded(0)
    assert await reloaded() == 501, "those of the overlap once more"
    assert await reloaded() == 1
    await recorded(20)
    assert await reloaded() == 2, "of a transaction that began before others and ended after them"
    revocations._full_reload_at = 0.0
    assert await reloaded() == 502
    assert await reloaded() == 2


async def test_a_reload_that_fails_forgets_nothing_and_is_tried_again(
    verifier: TokenVerifier,
    revocations: RevocationList,
    issuer: TokenFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("authkit.revocation._RELOAD_SECONDS", 0.02)
    calls = 0

    async def fails() -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise ConnectionError("the database is away")

    monkeypatch.setattr(revocations, "reload", fails)
    sub = str(uuid4())
    async with revocations.kept_fresh():
        revocations.hear(revoked(sub))
        async with asyncio.timeout(60):
            while calls < 4:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)
        assert await is_refused(verifier, token_of(issuer, sub=sub))


async def test_the_list_and_the_table_forget_what_no_token_can_be_concerned_by(
    revocations: RevocationList, database: Database
) -> None:
    now = datetime.now(UTC)
    for number in range(3):
        gone = revoked(
            str(uuid4()), not_before=now - timedelta(hours=1), expires_at=now - timedelta(minutes=number + 1)
        )
        async with database.transaction() as session:
            await revocations.record(session, gone)
    async with database.transaction() as session:
        await revocations.record(session, revoked(str(uuid4())))
        assert await session.scalar(select(func.count()).select_from(TABLE)) == 1
    await revocations.reload()
    assert len(revocations._by_sub) == 1


async def test_a_later_withdrawal_never_shortens_an_earlier_one(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory
) -> None:
    sub, now = str(uuid4()), datetime.now(UTC)
    token = token_of(issuer, sub=sub, iat=int(now.timestamp()) - 60)
    revocations.hear(
        revoked(sub, not_before=now - timedelta(seconds=30), expires_at=now + timedelta(minutes=5))
    )
    revocations.hear(
        revoked(sub, not_before=now - timedelta(seconds=10), expires_at=now + timedelta(seconds=1))
    )
    revocations._forget(now + timedelta(seconds=2))
    assert await is_refused(verifier, token)
    revocations.hear(revoked(sub, not_before=now - timedelta(minutes=5)))
    assert await is_refused(verifier, token), "an older one arriving late changes nothing"


def place_revoked(path: str, **changes: Any) -> UnitAccessRevokedV1:
    now = datetime.now(UTC)
    fields = {"path": path, "not_before": now, "expires_at": now + timedelta(minutes=6), "reason": "moved"}
    return UnitAccessRevokedV1.model_validate({**fields, **changes})


async def test_tokens_for_acting_at_a_place_or_below_are_refused_and_all_others_are_good(
    verifier: TokenVerifier, revocations: RevocationList, issuer: TokenFactory, database: Database
) -> None:
    async with database.transaction() as session:
        await revocations.record(session, place_revoked("100000.37.3701"))
    restarted = RevocationList(database, TABLE, issuer.audience)
    await restarted.reload()
    for known in (revocations, restarted):
        verifier.revocations = known
        for path in ("100000.37.3701", "100000.37.3701.S1", "100000.37.3701.S1.C1"):
            assert await is_refused(verifier, token_of(issuer, unit_path=path))
        for path in ("100000.37", "100000", "100000.37.37010", "100000.37.3702", "3701"):
            assert not await is_refused(verifier, token_of(issuer, unit_path=path))
        without = token_of(issuer, unit=OMIT, unit_path=OMIT, level=OMIT, kind=OMIT, roles=OMIT)
        assert not await is_refused(verifier, without)
    later = issuer.access_token(unit_path="100000.37.3701.S1", iat=int(datetime.now(UTC).timestamp()) + 2)
    assert not await is_refused(verifier, later)


async def test_a_revoked_place_is_forgotten_when_its_last_token_has_expired(
    revocations: RevocationList, database: Database
) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    revocations.hear(place_revoked("100000.37", expires_at=past))
    await revocations.reload()
    assert not revocations._by_path
